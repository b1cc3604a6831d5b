/** The movement of boxes from where they were to where they are, while a group opens or closes. */

import type { PlacedNode } from "../layout/types";

const MOVE_MS = 220;

/** Boxes glide from their old places, new ones and all lines and labels fade in. `shift` is how far the world moved. */
export function animate(
  drawing: Element,
  before: ReadonlyMap<string, PlacedNode>,
  now: ReadonlyMap<string, PlacedNode>,
  shift: { readonly x: number; readonly y: number },
): void {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const element of drawing.querySelectorAll<SVGGElement>("[data-layer]")) {
    const placed = now.get(element.dataset.layer ?? "");
    if (placed === undefined) continue;
    const old = before.get(placed.id);
    const from = old ? { x: old.x - shift.x, y: old.y - shift.y } : { x: placed.x, y: placed.y - 12 };
    const at = ({ x, y }: { x: number; y: number }): string => `translate(${x}px, ${y}px)`;
    element.animate(
      [
        { transform: at(from), opacity: old ? 1 : 0 },
        { transform: at(placed), opacity: 1 },
      ],
      {
        duration: MOVE_MS,
        easing: "ease-out",
      },
    );
  }
  for (const element of drawing.querySelectorAll(".swg-edge, .swg-chip, .swg-badge, .swg-more, .swg-frame"))
    element.animate([{ opacity: 0 }, { opacity: 1 }], { duration: MOVE_MS, easing: "ease-in" });
}
