import type { LayoutOptions } from "./options";
import type { Point } from "./types";
import type { Wire } from "./wire";

/** The corners of a wire, from its source to its target. */
export function route(wire: Wire, options: LayoutOptions): Point[] {
  return straighten(wire.column?.isLane ? laneRoute(wire, wire.column.x, options) : curvedRoute(wire));
}

/** Down the column of the wire; where that is not over or under the ends, a slanted piece inside a band leads there. */
function curvedRoute({ link, column, startX, endX, exit, entry }: Wire): Point[] {
  const x = column?.x ?? startX;
  return [
    { x: startX, y: link.source.bottom },
    { x: startX, y: exit.curveTop },
    { x, y: column ? exit.entryTop : exit.curveTop },
    { x, y: entry.curveTop },
    { x: endX, y: entry.entryTop },
    { x: endX, y: link.target.y },
  ];
}

/** To the side, along the lane, and back to the target: right angles only. */
function laneRoute(wire: Wire, x: number, options: LayoutOptions): Point[] {
  const { link, startX, endX, exit, entry, exitTrack, entryTrack, sideOffset } = wire;
  const { source, target } = link;
  const track = (top: number, index: number): number => top + (index + 0.5) * options.trackHeight;
  const leavesAt = exitTrack === null ? source.bottom + source.box.below / 2 : track(exit.exitTop, exitTrack);
  const course = [
    { x: startX, y: source.bottom },
    { x: startX, y: leavesAt },
    { x, y: leavesAt },
  ];
  if (entryTrack === null) {
    const y = target.y + target.box.height / 2 + sideOffset;
    const half = target.box.cardWidth / 2;
    return [...course, { x, y }, { x: x < target.x ? target.x - half : target.x + half, y }];
  }
  const y = track(entry.entryTop, entryTrack);
  return [...course, { x, y }, { x: endX, y }, { x: endX, y: target.y }];
}

/** Drops the points that change nothing: double ones, and those in the middle of a straight line. */
function straighten(course: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (const point of course) {
    const last = kept.at(-1);
    const before = kept.at(-2);
    if (last && last.x === point.x && last.y === point.y) continue;
    if (last && before && ((before.x === last.x && last.x === point.x) || (before.y === last.y && last.y === point.y)))
      kept.pop();
    kept.push(point);
  }
  return kept;
}
