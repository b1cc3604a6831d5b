import type { Way } from "./columns";
import { groupBy } from "./group-by";
import { bendLanes } from "./lanes";
import type { Band, Row } from "./rows";
import type { Wire } from "./wire";

/** Between two lines that arrive at the top of one node, and from there to its corners. */
const step = 18;
const corner = 12;

/** Decides the turns of every way, and notes in the bands what room they take. */
export function bendWires(ways: readonly Way[], rows: readonly Row[]): Wire[] {
  const wires = ways.map((way) => newWire(way, rows));
  const lanes = wires.filter((wire) => wire.column?.isLane);
  bendLanes(lanes, rows);
  spreadAtTop(wires.filter((wire) => !wire.column?.isLane || wire.entryTrack !== null));
  for (const wire of wires) noteMoves(wire);
  return wires;
}

function newWire({ link, column }: Way, rows: readonly Row[]): Wire {
  const exit = rows[link.source.last]?.under;
  const entry = rows[link.target.first]?.over;
  if (!exit || !entry) {
    throw new RangeError(`Rows ${link.source.last} and ${link.target.first} of ${rows.length} do not exist.`);
  }
  const startX = link.source.x + (link.leavesAt ?? 0);
  const endX = link.target.x + (link.arrivesAt ?? 0);
  return { link, column, startX, endX, exit, entry, exitTrack: null, entryTrack: null, sideOffset: 0 };
}

/** Gives the lines that arrive at the top of one node a place each: what comes straight down keeps the middle. */
function spreadAtTop(wires: readonly Wire[]): void {
  const from = ({ column, startX }: Wire): number => column?.x ?? startX;
  const free = wires.filter((wire) => wire.link.arrivesAt === null);
  for (const [target, all] of groupBy(free, (wire) => wire.link.target)) {
    all.sort((a, b) => from(a) - from(b));
    const straight = all.findIndex((wire) => from(wire) === target.x);
    const middle = straight < 0 ? (all.length - 1) / 2 : straight;
    const room = Math.max(0, target.box.cardWidth / 2 - corner);
    const each = Math.min(step, room / Math.max(1, middle, all.length - 1 - middle));
    all.forEach((wire, index) => {
      wire.endX = target.x + (index - middle) * each;
    });
  }
}

function noteMoves(wire: Wire): void {
  const { column, startX, endX, exit, entry } = wire;
  const note = (band: Band, a: number, b: number): void => {
    if (a !== b) band.moves.push({ from: Math.min(a, b), to: Math.max(a, b), isCurve: !column?.isLane });
  };
  if (!column) note(entry, startX, endX);
  else {
    if (!column.isLane || wire.exitTrack !== null) note(exit, startX, column.x);
    if (!column.isLane || wire.entryTrack !== null) note(entry, column.x, endX);
  }
}
