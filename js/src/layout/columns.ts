import { type Chain, type Item, isBack, type Link } from "./container";

/**
 * A vertical strip of the container: a chain with the lines between its items, or a lane for one tensor that passes
 * other items by. It reaches over a range of slots, two to a row: the upper one ends in the middle of the row, where
 * lines arrive from the side, the lower one takes the rest and the band under the row.
 */
export interface Column {
  readonly items: readonly Item[];
  readonly isLane: boolean;
  readonly isMain: boolean;
  from: number;
  to: number;
  x: number;
  isPlaced: boolean;
  /** The columns that its lines lead to. */
  readonly beside: Set<Column>;
  /** The side of the main line on which it meets a port of an open group: negative is left, 0 is either. */
  lean: number;
}

/** How a link gets from the row of its source to that of its target: to the next row (null), or along a column. */
export interface Way {
  readonly link: Link;
  readonly column: Column | null;
}

/**
 * Finds a column for every link that passes a row: its own chain; the free end of a chain, stretched as far as the link
 * goes; else a lane, shared by all links of its tensor.
 */
export function findColumns(chains: readonly Chain[], links: readonly Link[]): { columns: Column[]; ways: Way[] } {
  const finder = new ColumnFinder(chains);
  const ways = links.map((link): Way => ({ link, column: finder.choose(link) }));
  for (const { link, column } of ways) {
    const ends = [finder.of(link.source), finder.of(link.target), column].filter((end) => end !== null);
    for (const one of ends) for (const other of ends) if (one !== other && !one.isMain) one.beside.add(other);
    for (const end of ends) end.lean ||= link.arrivesAt || link.leavesAt || 0;
  }
  return { columns: finder.columns, ways };
}

class ColumnFinder {
  readonly columns: Column[] = [];
  readonly #ofChain = new Map<Chain, Column>();
  readonly #lanes = new Map<Item, Map<string, Column>>();
  /** The tensors that run on from the last item of a chain, and the chains that something runs into from above. */
  readonly #tails = new Map<Chain, string>();
  readonly #heads = new Set<Chain>();

  constructor(chains: readonly Chain[]) {
    for (const chain of chains) {
      const [from, to] = [2 * (chain.items[0]?.first ?? 0), 2 * (chain.items.at(-1)?.last ?? 0) + 1];
      this.#ofChain.set(chain, this.#add({ items: chain.items, isLane: false, isMain: chain.isMain, from, to }));
    }
  }

  /** The column of the chain of an item. */
  of({ chain }: Item): Column {
    const column = this.#ofChain.get(chain);
    if (!column)
      throw new RangeError(`A chain of ${chain.items.length} items is not one of the ${this.#ofChain.size} known.`);
    return column;
  }

  choose(link: Link): Column | null {
    const { source, target, tensor } = link;
    if (isBack(link)) return stretch(this.#lane(link, "up"), Math.max(0, 2 * target.first - 1), 2 * source.last + 1);
    if (target.first === source.last + 1) return null;
    if (source.next === target) return this.of(source);
    if (source.next === null && (this.#tails.get(source.chain) ?? tensor) === tensor) {
      this.#tails.set(source.chain, tensor);
      return stretch(this.of(source), 2 * source.last + 2, 2 * target.first - 1);
    }
    if (target.previous === null && !this.#heads.has(target.chain)) {
      this.#heads.add(target.chain);
      return stretch(this.of(target), 2 * source.last + 2, 2 * target.first - 1);
    }
    return stretch(this.#lane(link, "down"), 2 * source.last + 1, 2 * target.first);
  }

  /** The lane of a tensor; one leads down, another back up. */
  #lane({ source, tensor }: Link, direction: "up" | "down"): Column {
    const lanes = this.#lanes.get(source) ?? new Map<string, Column>();
    this.#lanes.set(source, lanes);
    const key = `${direction} ${tensor}`;
    const start = 2 * source.last + 1;
    const lane = lanes.get(key) ?? this.#add({ items: [], isLane: true, isMain: false, from: start, to: start });
    lanes.set(key, lane);
    return lane;
  }

  #add(kind: Pick<Column, "items" | "isLane" | "isMain" | "from" | "to">): Column {
    const column = { ...kind, x: 0, isPlaced: false, beside: new Set<Column>(), lean: 0 };
    this.columns.push(column);
    return column;
  }
}

function stretch(column: Column, from: number, to: number): Column {
  column.from = Math.min(column.from, from);
  column.to = Math.max(column.to, to);
  return column;
}
