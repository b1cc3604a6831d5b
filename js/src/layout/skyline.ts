import type { Column } from "./columns";
import type { Item } from "./container";
import type { LayoutOptions } from "./options";

/**
 * Gives every column its x. The main line stands at 0; the others are pushed against it from both sides, short ones
 * first, so that a long one runs round what a short one leads to.
 */
export function placeColumns(columns: readonly Column[], rowCount: number, options: LayoutOptions): void {
  const skylines = { left: new Skyline(-1, rowCount, options), right: new Skyline(1, rowCount, options) };
  const length = ({ from, to }: Column): number => to - from;
  const mains = columns.filter((column) => column.isMain);
  const others = columns.filter((column) => !column.isMain).sort((a, b) => length(a) - length(b) || a.from - b.from);
  for (const skyline of [skylines.left, skylines.right]) for (const main of mains) skyline.place(main, 0);
  for (const column of others) {
    const left = skylines.left.distance(column);
    const right = skylines.right.distance(column);
    // Bare lines keep to the right, away from the titles of groups, unless branches push them far out there.
    const isBare = column.items.every((item) => item.kind !== "child");
    const isLeft = isDrawnLeft(column) ?? (isBare ? left + 4 * options.laneWidth < right : left <= right);
    if (isLeft) skylines.left.place(column, left);
    else skylines.right.place(column, right);
  }
}

/** Whether the lines of a column lead to the left; null where that cannot be told yet. */
function isDrawnLeft({ beside, lean }: Column): boolean | null {
  for (const other of beside) if (other.isPlaced && other.x !== 0) return other.x < 0;
  return lean === 0 ? null : lean < 0;
}

/** How far out each slot of one side is taken. */
class Skyline {
  readonly #taken: Float64Array;

  constructor(
    /** -1: left, 1: right. */
    readonly side: number,
    rowCount: number,
    readonly options: LayoutOptions,
  ) {
    this.#taken = new Float64Array(2 * rowCount);
  }

  /** How far from the main line a column must stand at least. */
  distance(column: Column): number {
    let distance = 0;
    const clear = (slot: number, margin: number): void => {
      distance = Math.max(distance, (this.#taken[slot] ?? 0) + margin);
    };
    for (let slot = column.from; slot <= column.to; slot++) clear(slot, this.options.laneWidth / 2);
    for (const item of column.items) {
      const margin = this.options.separation / 2 + this.#reach(item, -this.side);
      for (const slot of slots(item)) clear(slot, margin);
    }
    return distance;
  }

  /** Puts a column there. */
  place(column: Column, distance: number): void {
    column.x = this.side * distance;
    column.isPlaced = true;
    const take = (slot: number, to: number): void => {
      this.#taken[slot] = Math.max(this.#taken[slot] ?? 0, to);
    };
    for (let slot = column.from; slot <= column.to; slot++) take(slot, distance + this.options.laneWidth / 2);
    for (const item of column.items) {
      item.x = column.x;
      const margin = this.#reach(item, this.side) + this.options.separation / 2;
      for (const slot of slots(item)) take(slot, distance + margin);
    }
  }

  /** How far an item reaches from its own main line to one side. */
  #reach({ box }: Item, side: number): number {
    return side < 0 ? box.anchor : box.width - box.anchor;
  }
}

function* slots(item: Item): Generator<number> {
  for (let slot = 2 * item.first; slot <= 2 * item.last + 1; slot++) yield slot;
}
