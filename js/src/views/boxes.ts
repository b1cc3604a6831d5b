/** Boxes of the graph: cards of layers, pills of functions, headers of groups, chips and badges. */

import { known, signOf } from "../agreement";
import type { State, WireLayer } from "../contract.gen";
import { s } from "../dom";
import type { PlacedNode } from "../layout/types";
import { BADGE_HEIGHT, type Badge, type Chip, chipHeight, HEADER_HEIGHT, MORE_HEIGHT, type Scene } from "../scene";
import { placeOf, shortName } from "../texts";

/** A closed box with its texts; clicking and focus are the caller's. */
export function box(scene: Scene, layer: WireLayer, placed: PlacedNode): SVGGElement {
  const isGroup = layer.kind === "group";
  const isPill = scene.isPill(layer);
  const trouble = isGroup ? scene.trouble(layer.id) : { state: known(layer.state), count: 0 };
  const group = s("g", {
    class: `swg-node swg-${isGroup ? "closed" : layer.kind} swg-is-${trouble.state}${layer.assumed ? " swg-assumed" : ""}`,
    transform: `translate(${placed.x} ${placed.y})`,
    "data-layer": layer.id,
    role: "button",
    tabindex: -1,
    "aria-label": label(scene, layer, trouble.state),
    "aria-expanded": isGroup ? "false" : undefined,
  });
  if (shortName(layer.name) !== layer.name) group.append(s("title", {}, layer.name));
  const { width, height } = placed;
  if (isGroup) group.append(s("rect", { class: "swg-behind", x: 4, y: 4, width, height, rx: 8 }));
  group.append(s("rect", { class: "swg-box", width, height, rx: isPill ? height / 2 : 8 }));
  const left = isPill ? 15 : 13;
  const text = s(
    "text",
    { x: left, y: isPill ? height / 2 + 4 : 18 },
    s("tspan", { class: "swg-name" }, shortName(layer.name)),
  );
  const kind = scene.kindText(layer);
  if (isGroup) text.prepend(s("tspan", { class: "swg-fold" }, "▸ "));
  if (kind) text.append(s("tspan", { class: "swg-kind", dx: 6 }, kind));
  group.append(text);
  const detail = scene.detail(layer);
  if (detail && isPill) text.append(s("tspan", { class: "swg-mono", dx: 8 }, detail));
  else if (detail) group.append(signature(scene, layer, detail, left));
  if (trouble.state !== "agree") group.append(sign(trouble.state, width - 15, isPill ? height / 2 : 15, trouble.count));
  return group;
}

/** The declared sizes; the one that clashes is underlined. */
function signature(scene: Scene, layer: WireLayer, detail: string, left: number): SVGTextElement {
  const text = s("text", { class: "swg-mono swg-signature", x: left, y: 35 });
  const clash = scene.into(layer.id).find((edge) => edge.state === "mismatch" && edge.target === layer.id);
  const wanted = clash?.badge.split("≠")[1]?.trim() ?? "";
  const place = wanted ? placeOf(wanted, detail) : -1;
  if (place < 0) {
    text.append(detail);
    return text;
  }
  text.append(detail.slice(0, place), s("tspan", { class: "swg-clash" }, wanted), detail.slice(place + wanted.length));
  return text;
}

function sign(state: State, x: number, y: number, count: number): SVGGElement {
  const words = count > 1 ? `${signOf(state)} ${count}` : signOf(state);
  const width = count > 1 ? 30 : 18;
  return s(
    "g",
    { class: `swg-sign swg-is-${state}`, transform: `translate(${x + 9 - width} ${y - 9})`, "aria-hidden": "true" },
    s("rect", { width, height: 18, rx: 9 }),
    s("text", { x: width / 2, y: 13, "text-anchor": "middle" }, words),
  );
}

/** The frame of an open group, to be drawn below what is in it. */
export function frame(layer: WireLayer, placed: PlacedNode, state: State): SVGRectElement {
  return s("rect", {
    class: `swg-frame swg-depth-${placed.depth % 2} swg-is-${state}`,
    "data-frame": layer.id,
    x: placed.x,
    y: placed.y,
    width: placed.width,
    height: placed.height,
    rx: 10,
  });
}

/** The header of an open group, to be drawn above the lines that pass behind its title. */
export function header(scene: Scene, layer: WireLayer, placed: PlacedNode): SVGGElement {
  const trouble = scene.trouble(layer.id);
  const group = s(
    "g",
    {
      class: `swg-node swg-header swg-depth-${placed.depth % 2} swg-is-${trouble.state}`,
      transform: `translate(${placed.x} ${placed.y})`,
      "data-layer": layer.id,
      role: "button",
      tabindex: -1,
      "aria-expanded": "true",
      "aria-label": label(scene, layer, trouble.state),
    },
    s("rect", { class: "swg-veil", x: 2, y: 2, width: placed.width - 4, height: HEADER_HEIGHT - 7, rx: 8 }),
    s(
      "text",
      { x: 13, y: 21, class: "swg-halo" },
      s("tspan", { class: "swg-fold" }, "▾ "),
      s("tspan", { class: "swg-name" }, shortName(layer.name)),
      s("tspan", { class: "swg-kind", dx: 6 }, scene.kindText(layer)),
    ),
  );
  if (trouble.state !== "agree") group.append(sign(trouble.state, placed.width - 17, 16, trouble.count));
  return group;
}

/** The shape below a box: its symbols, and its sizes in small. */
export function chip(what: Chip, x: number, y: number, tensors: Scene["tensors"]): SVGGElement {
  const isTwoLines = what.sizes !== "";
  const height = chipHeight(what);
  const group = s(
    "g",
    {
      class: `swg-chip swg-is-${what.state}`,
      transform: `translate(${x - what.width / 2} ${y})`,
      "data-tensor": what.tensor,
    },
    s("title", {}, tensors[what.tensor]?.dtype ?? ""),
    s("rect", { width: what.width, height, rx: isTwoLines ? 9 : 10 }),
  );
  const text = s("text", { class: "swg-mono", x: what.width / 2, y: 14, "text-anchor": "middle" });
  const clashing = what.axis === null ? undefined : what.axes[what.axis];
  if (clashing === undefined || what.axis === null) text.append(what.symbols);
  else {
    const before = what.axes.slice(0, what.axis).map((axis) => `${axis}, `);
    const after = what.axes.slice(what.axis + 1).map((axis) => `, ${axis}`);
    const end = what.axes.length === 1 ? ",)" : ")";
    text.append(`(${before.join("")}`, s("tspan", { class: "swg-clash" }, clashing), after.join("") + end);
  }
  group.append(text);
  if (isTwoLines)
    group.append(s("text", { class: "swg-small", x: what.width / 2, y: 26, "text-anchor": "middle" }, what.sizes));
  return group;
}

/** How many shapes there was no room for. */
export function moreChips(count: number, x: number, y: number): SVGTextElement {
  return s(
    "text",
    { class: "swg-small swg-more", x, y: y + MORE_HEIGHT - 3, "text-anchor": "middle" },
    `+${count} more`,
  );
}

/** The clash, at the consumer's entry. */
export function badge(what: Badge, at: string, x: number, y: number): SVGGElement {
  return s(
    "g",
    {
      class: `swg-badge swg-is-${what.state}`,
      transform: `translate(${x - what.width / 2} ${y})`,
      "data-edge": what.edge.id,
      "data-at": at,
    },
    ...(what.text.endsWith(what.edge.badge) ? [] : [s("title", {}, what.all.join("\n"))]),
    s("rect", { width: what.width, height: BADGE_HEIGHT, rx: 5 }),
    s("text", { class: "swg-mono", x: what.width / 2, y: 14, "text-anchor": "middle" }, what.text),
  );
}

function label(scene: Scene, layer: WireLayer, state: State): string {
  const shape = layer.outputs[0] === undefined ? "" : `, gives ${scene.symbolic(layer.outputs[0])}`;
  const said = state === "agree" ? "" : `, ${state === "unreached" ? "not reached" : state}`;
  return `${layer.name} ${layer.type === layer.name ? layer.kind : layer.type}${shape}${said}`;
}
