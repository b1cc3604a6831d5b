import type { Item } from "./container";
import { groupBy } from "./group-by";
import type { LayoutOptions } from "./options";

/**
 * The strip between two rows, in which lines may move to the side. From top to bottom it has room for the chips of the
 * row above, the tracks of the lanes that leave it, the curves, the tracks of the lanes that enter the row below, and
 * the badges of that row.
 */
export class Band {
  exitTracks = 0;
  entryTracks = 0;
  /** What lines sweep over on their way to the side. */
  readonly moves: { readonly from: number; readonly to: number; readonly isCurve: boolean }[] = [];
  /** Where its tracks and curves begin. */
  exitTop = 0;
  curveTop = 0;
  entryTop = 0;
}

export interface Row {
  /** All that stands in it, also what began further up. */
  readonly items: Item[];
  readonly over: Band;
  readonly under: Band;
}

export function makeRows(items: readonly Item[], count: number): Row[] {
  const rows: Row[] = [];
  let over = new Band();
  for (let index = 0; index < count; index++) {
    const under = new Band();
    rows.push({ items: [], over, under });
    over = under;
  }
  for (const item of items) for (const row of rows.slice(item.first, item.last + 1)) row.items.push(item);
  return rows;
}

/** Gives every item and band its y, from the top of the container, whose title takes `header`; returns the height. */
export function stackRows(
  rows: readonly Row[],
  items: readonly Item[],
  header: number,
  options: LayoutOptions,
): number {
  const starting = groupBy(items, (item) => item.first);
  const ending = groupBy(items, (item) => lastFreeRow(item, rows));
  let y = items.some((item) => item.kind === "enter") ? 0 : header;
  let hadPort = false;
  rows.forEach((row, index) => {
    const starts = starting.get(index) ?? [];
    const hasPort = starts.some((item) => item.kind !== "child");
    if (index > 0) y += curveHeight(row.over, hasPort || hadPort, options);
    row.over.entryTop = y;
    y += row.over.entryTracks * options.trackHeight;
    const closed = Math.max(0, ...starts.filter((item) => !item.box.isOpen).map((item) => item.box.height));
    const drop = (item: Item): number => (item.box.isOpen ? 0 : (closed - item.box.height) / 2);
    y += Math.max(0, ...starts.map((item) => item.box.above - drop(item)));
    for (const item of starts) item.y = y + drop(item);
    const ends = ending.get(index) ?? [];
    y = Math.max(y + closed, ...ends.map((item) => item.bottom + item.box.below));
    row.under.exitTop = y;
    y += row.under.exitTracks * options.trackHeight;
    row.under.curveTop = y;
    hadPort = hasPort;
  });
  return y;
}

/** The last row into which a tall item may reach: no line may move to the side under it while it still stands there. */
function lastFreeRow(item: Item, rows: readonly Row[]): number {
  for (let row = item.first; row < item.last; row++) {
    if (rows[row]?.under.moves.some((move) => move.from < item.right && move.to > item.left)) return row;
  }
  return item.last;
}

function curveHeight(band: Band, isAtPort: boolean, options: LayoutOptions): number {
  const widest = Math.max(0, ...band.moves.filter((move) => move.isCurve).map((move) => move.to - move.from));
  if (widest > 4 * options.wideGap) return options.wideGap;
  return isAtPort && widest === 0 ? options.portGap : options.gap;
}
