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

/** How a link gets from the row of its source to that of its target: straight to the next row (null), or down a column. */
export interface Way {
  readonly link: Link;
  readonly column: Column | null;
}

/**
 * Finds a column for every link that passes a row: its own chain; the free end of a chain, stretched as far as the link
 * goes; else a lane, shared by all links of its tensor.
 */
export function findColumns(chains: readonly Chain[], links: readonly Link[]): { columns: Column[]; ways: Way[] } {
  const ofChain = new Map(chains.map((chain) => [chain, chainColumn(chain)]));
  const lanes = new Map<Item, Map<string, Column>>();
  const tails = new Map<Column, string>();
  const heads = new Set<Column>();

  const columnOf = (item: Item): Column => ofChain.get(item.chain) ?? chainColumn(item.chain);
  const laneOf = ({ source, tensor }: Link, kind: string): Column => {
    const ofSource = lanes.get(source) ?? new Map<string, Column>();
    lanes.set(source, ofSource);
    const key = `${kind} ${tensor}`;
    const lane =
      ofSource.get(key) ?? newColumn([], 2 * source.last + 1, 2 * source.last + 1, { isLane: true, isMain: false });
    ofSource.set(key, lane);
    return lane;
  };
  const choose = (link: Link): Column | null => {
    const { source, target, tensor } = link;
    if (isBack(link)) return stretch(laneOf(link, "up"), Math.max(0, 2 * target.first - 1), 2 * source.last + 1);
    if (target.first === source.last + 1) return null;
    const below = columnOf(source);
    const above = columnOf(target);
    if (source.next === target) return below;
    if (source.next === null && (tails.get(below) ?? tensor) === tensor) {
      tails.set(below, tensor);
      return stretch(below, below.from, 2 * target.first - 1);
    }
    if (target.previous === null && !heads.has(above)) {
      heads.add(above);
      return stretch(above, 2 * source.last + 2, above.to);
    }
    return stretch(laneOf(link, "down"), 2 * source.last + 1, 2 * target.first);
  };

  const ways = links.map((link): Way => ({ link, column: choose(link) }));
  for (const { link, column } of ways) {
    const ends = [columnOf(link.source), columnOf(link.target), column].filter((end) => end !== null);
    for (const one of ends) for (const other of ends) if (one !== other && !one.isMain) one.beside.add(other);
    for (const end of ends) end.lean ||= link.arrivesAt || link.leavesAt || 0;
  }
  const columns = [...ofChain.values(), ...[...lanes.values()].flatMap((ofSource) => [...ofSource.values()])];
  return { columns, ways };
}

function newColumn(
  items: readonly Item[],
  from: number,
  to: number,
  kind: { isLane: boolean; isMain: boolean },
): Column {
  return { items, from, to, ...kind, x: 0, isPlaced: false, beside: new Set(), lean: 0 };
}

function chainColumn({ items, isMain }: Chain): Column {
  return newColumn(items, 2 * (items[0]?.first ?? 0), 2 * (items.at(-1)?.last ?? 0) + 1, { isLane: false, isMain });
}

function stretch(column: Column, from: number, to: number): Column {
  column.from = Math.min(column.from, from);
  column.to = Math.max(column.to, to);
  return column;
}
