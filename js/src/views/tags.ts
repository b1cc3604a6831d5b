/** What is printed beside the boxes: chips with the shapes that they give, badges with the clashes at their entries. */

import { s } from "../dom";
import { BADGE_HEIGHT, type Badge, type Chip, chipHeight, MORE_HEIGHT } from "../labels";
import type { Scene } from "../scene";

/** A text whose part at some place clashes; all of it as it is where there is no such part. */
export function underlined(text: string, place: number, part: string | undefined): (string | SVGElement)[] {
  if (!part || place < 0) return [text];
  return [text.slice(0, place), s("tspan.clash", part), text.slice(place + part.length)];
}

/** The shape below a box: its symbols, and its sizes in small. */
export function chip(what: Chip, x: number, y: number, tensors: Scene["tensors"]): SVGGElement {
  const isTwoLines = what.sizes !== "";
  const height = chipHeight(what);
  const group = s(
    `g.chip.is-${what.state}${what.isAssumed ? ".assumed" : ""}`,
    {
      transform: `translate(${x - what.width / 2} ${y})`,
      "data-tensor": what.tensor,
    },
    s("title", tensors[what.tensor]?.dtype ?? ""),
    s("rect", { width: what.width, height, rx: isTwoLines ? 9 : 10 }),
  );
  const text = s("text.mono", { x: what.width / 2, y: 14, "text-anchor": "middle" });
  const before = what.axes.slice(0, what.axis ?? 0).map((axis) => `${axis}, `);
  text.append(...underlined(what.symbols, 1 + before.join("").length, what.axes[what.axis ?? -1]));
  group.append(text);
  if (isTwoLines) group.append(s("text.small", { x: what.width / 2, y: 26, "text-anchor": "middle" }, what.sizes));
  return group;
}

/** How many shapes there was no room for. */
export function moreChips(count: number, x: number, y: number): SVGTextElement {
  return s("text.small.more", { x, y: y + MORE_HEIGHT - 3, "text-anchor": "middle" }, `+${count} more`);
}

/** The clash, at the consumer's entry. */
export function badge(what: Badge, at: string, x: number, y: number): SVGGElement {
  return s(
    `g.badge.is-${what.state}`,
    { transform: `translate(${x - what.width / 2} ${y})`, "data-edge": what.edge.id, "data-at": at },
    ...(what.text.endsWith(what.edge.badge) ? [] : [s("title", what.all.join("\n"))]),
    s("rect", { width: what.width, height: BADGE_HEIGHT, rx: 5 }),
    s("text.mono", { x: what.width / 2, y: 14, "text-anchor": "middle" }, what.text),
  );
}
