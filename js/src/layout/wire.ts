import type { Column } from "./columns";
import type { Link } from "./container";
import type { Band } from "./rows";

/** A link with its turns decided in x. Their y follow once the rows are stacked. */
export interface Wire {
  readonly link: Link;
  readonly column: Column | null;
  readonly startX: number;
  endX: number;
  /** The bands in which it turns: under its source, and over its target. */
  readonly exit: Band;
  readonly entry: Band;
  /** Of a lane: the track on which it leaves; null where it leaves straight from the chip. */
  exitTrack: number | null;
  /** Of a lane: the track on which it arrives; null where it arrives at the side. */
  entryTrack: number | null;
  /** Of a lane that arrives at the side: how far from the middle. */
  sideOffset: number;
}
