/** The titles of open groups of which only a part is in view. */

import type { Placing } from "../placing";
import type { Scene } from "../scene";
import { shortName } from "../texts";
import { TITLE_LEFT } from "./boxes";
import type { Box } from "./viewport";

/** The least room at the right of a title. */
const ROOM = 160;

/** Move the titles of groups that begin left of the view into it. */
export function keepTitles(drawing: Element, placing: Placing, left: number): void {
  for (const header of drawing.querySelectorAll<SVGElement>(".swg-header")) {
    const node = placing.node(header.dataset.layer ?? "");
    const most = Math.max(TITLE_LEFT, (node?.width ?? 0) - ROOM);
    const x = Math.min(most, Math.max(TITLE_LEFT, left - (node?.x ?? 0) + TITLE_LEFT));
    header.querySelector("text")?.setAttribute("x", String(x));
  }
}

/** The names of the groups around the middle of the view whose titles are above it, the outermost first. */
export function titlesAbove(scene: Scene, placing: Placing, { x, y, width, height }: Box): string {
  const middle = placing.at(x + width / 2, y + height / 2);
  const around = middle ? scene.index.chain(middle.id) : [];
  const hidden = around.filter((id) => {
    const node = placing.node(id);
    return node?.isOpen && node.y < y;
  });
  return hidden.map((id) => shortName(scene.layers.get(id)?.name ?? id)).join(" › ");
}
