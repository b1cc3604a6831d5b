/** One line of the graph: what it carries in a tooltip, its arrow, and the port that it leaves. */

import { known } from "../agreement";
import { HEADER_HEIGHT } from "../cards";
import type { State } from "../contract.gen";
import { s } from "../dom";
import type { Direction } from "../layout/index";
import type { Scene } from "../scene";
import type { Line } from "./items";
import { arrowPath, linePath } from "./lines";

const ARROW: Record<State, number> = { mismatch: 12, coincidence: 9, unreached: 6, agree: 7 };

/** The elements of a line; the edge that is in the worst trouble speaks for all that it carries. */
export function edge(
  scene: Scene,
  { placed, carried, state }: Line,
  hasArrow: boolean,
  direction: Direction,
): SVGElement {
  const shown = carried.find((each) => known(each.state) === state);
  const flags = [
    carried.every((each) => each.assumed) ? ".assumed" : "",
    carried.every((each) => each.escaped) ? ".escaped" : "",
  ].join("");
  const path = linePath(placed, direction);
  const words = shown
    ? `${shown.source} → ${shown.target}\n${scene.symbolic(shown.tensor)}\n${scene.numeric(shown.tensor)}`
    : "";
  const group = s(
    `g.edge.is-${state}${flags}`,
    { "data-edge": shown?.id, "data-state": state },
    s("title", words),
    s("path.line", { d: path }),
    s("path.hit", { d: path }),
  );
  if (hasArrow) group.append(s("path.arrow", { d: arrowPath(placed.course, ARROW[state], direction) }));
  const port = placed.fromPort ? placed.course[0] : undefined;
  const down = direction === "down" ? HEADER_HEIGHT : 0;
  if (port) group.append(s("circle.port", { cx: port.x, cy: port.y + down, r: 3.5 }));
  return group;
}
