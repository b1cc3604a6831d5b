import type { Column } from "./columns";
import type { Item } from "./container";
import type { Row } from "./rows";
import type { Wire } from "./wire";

/** The least room under a node that holds a chip, from whose middle a lane can leave. */
const chipRoom = 16;
/** Between two lanes that arrive at the side of one node, and from there to its corners. */
const step = 8;
const corner = 6;

/** Decides where the lanes leave their sources and how they reach their targets. */
export function bendLanes(wires: readonly Wire[], rows: readonly Row[]): void {
  leave(wires, rows);
  arrive(wires, rows);
}

/** A lane leaves from the chip of its source where nothing is in its way, else on a track of its own under the row. */
function leave(wires: readonly Wire[], rows: readonly Row[]): void {
  const tracks = new Map<Column | null, number | null>();
  const chips = new Set<Item>();
  for (const wire of wires) {
    const { source } = wire.link;
    let track = tracks.get(wire.column);
    if (track === undefined) {
      const fromChip =
        source.kind === "child" && source.box.below >= chipRoom && !chips.has(source) && isFree(source, wire, rows);
      if (fromChip) chips.add(source);
      track = fromChip ? null : wire.exit.exitTracks++;
      tracks.set(wire.column, track);
    }
    wire.exitTrack = track;
  }
}

/** A lane arrives at the side of a closed node where nothing stands in its way and there is room, else from above. */
function arrive(wires: readonly Wire[], rows: readonly Row[]): void {
  const sides = new Map<Item, { left: number; right: number }>();
  for (const wire of wires) {
    const { target } = wire.link;
    const taken = sides.get(target) ?? { left: 0, right: 0 };
    sides.set(target, taken);
    const side = (wire.column?.x ?? 0) < target.x ? "left" : "right";
    const offset = step * (taken[side] % 2 === 0 ? -1 : 1) * Math.ceil(taken[side] / 2);
    const hasRoom = !target.box.isOpen && Math.abs(offset) <= target.box.height / 2 - corner;
    if (hasRoom && isFree(target, wire, rows)) {
      wire.sideOffset = offset;
      taken[side] += 1;
    } else wire.entryTrack = wire.entry.entryTracks++;
  }
}

/** Whether nothing else stands in the row of an item between it and the lane. */
function isFree(item: Item, { column }: Wire, rows: readonly Row[]): boolean {
  const from = Math.min(column?.x ?? 0, item.x);
  const to = Math.max(column?.x ?? 0, item.x);
  const stands = (other: Item): boolean => other !== item && other.left < to && other.right > from;
  return item.first === item.last && !rows[item.first]?.items.some(stands);
}
