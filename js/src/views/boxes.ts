/** Boxes of the graph: cards of layers, pills of functions, headers and frames of groups. */

import { signOf } from "../agreement";
import { detail, HEADER_HEIGHT, isPill, title } from "../cards";
import type { State, WireLayer } from "../contract.gen";
import { s } from "../dom";
import type { PlacedNode } from "../layout/types";
import type { Scene } from "../scene";
import { placeOf, shortName } from "../texts";
import { underlined } from "./tags";

/** Where the title of a group begins. */
export const TITLE_LEFT = 13;

/** A closed box with its texts; clicking and focus are the caller's. */
export function box(scene: Scene, layer: WireLayer, placed: PlacedNode): SVGGElement {
  const isGroup = layer.kind === "group";
  const hasOneLine = isPill(layer);
  const trouble = scene.trouble(layer.id);
  const tone = scene.colouring.of(layer.id)?.tone;
  const { width, height } = placed;
  const flags = (layer.assumed ? ".assumed" : "") + (tone ? ".toned" : "");
  const group = s(`g.node.${isGroup ? "closed" : layer.kind}.is-${trouble.state}${flags}`, {
    style: tone && toned(tone),
    "data-layer": layer.id,
    role: "button",
    tabindex: -1,
    "aria-label": label(scene, layer, trouble.state),
    "aria-expanded": isGroup ? "false" : undefined,
  });
  if (shortName(layer.name) !== layer.name) group.append(s("title", layer.name));
  const behind = scene.folds.has(layer.id) ? [8, 4] : isGroup ? [4] : [];
  for (const by of behind) group.append(s("rect.behind", { x: by, y: by, width, height, rx: 8 }));
  const isRound = hasOneLine && layer.kind !== "layer";
  group.append(s("rect.box", { width, height, rx: isRound ? height / 2 : 8 }));
  const left = isRound ? 15 : 13;
  const text = s("text", { x: left, y: hasOneLine ? height / 2 + 4 : 18 }, ...words(scene, layer, isGroup ? "▸" : ""));
  group.append(text);
  const below = detail(scene, layer);
  if (below && hasOneLine) text.append(s("tspan.mono", { dx: 8 }, below));
  else if (below) group.append(signature(scene, layer, below, left));
  if (trouble.state !== "agree")
    group.append(sign(trouble.state, width - 15, hasOneLine ? height / 2 : 15, trouble.count));
  return group;
}

/** The two upper steps of a scale are as dark as its text, in the dark theme as bright. */
function toned(tone: string): string {
  const on = /^kind/.test(tone) ? "kind-on" : /[34]$/.test(tone) ? "heat-high-on" : "heat-on";
  return `--tone:var(--${tone});--on-tone:var(--${on})`;
}

/** The name in bold, its class and its number in grey. */
function words(scene: Scene, layer: WireLayer, fold: string): SVGTSpanElement[] {
  const { before, name, kind } = title(scene, layer);
  const parts = [
    ["fold", fold],
    ["kind", before],
    ["name", name],
    ["kind", kind],
  ].filter(([, text]) => text);
  return parts.map(([kindOf, text], place) =>
    s(`tspan.${kindOf}`, { dx: place ? (parts[place - 1]?.[0] === "fold" ? 4 : 6) : undefined }, text ?? ""),
  );
}

/** The declared sizes; the one that clashes is underlined. */
function signature(scene: Scene, layer: WireLayer, text: string, left: number): SVGTextElement {
  const clash = scene.into(layer.id).find((edge) => edge.state === "mismatch" && edge.target === layer.id);
  const wanted = clash?.badge.split("≠")[1]?.trim() ?? "";
  const parts = underlined(text, wanted ? placeOf(wanted, text) : -1, wanted);
  return s("text.mono.signature", { x: left, y: 35 }, ...parts);
}

/** The worst state at or in a box, with the number of its lines where there are several. */
function sign(state: State, x: number, y: number, count: number): SVGGElement {
  const text = count > 1 ? `${signOf(state)} ${count}` : signOf(state);
  const width = count > 1 ? 16 + 7 * text.length : 18;
  return s(
    `g.sign.is-${state}`,
    { transform: `translate(${x + 9 - width} ${y - 9})`, "aria-hidden": "true" },
    s("rect", { width, height: 18, rx: 9 }),
    s("text", { x: width / 2, y: 13, "text-anchor": "middle" }, text),
  );
}

/** The frame of an open group, to be drawn below what is in it. */
export function frame(layer: WireLayer, placed: PlacedNode, state: State): SVGRectElement {
  return s(`rect.frame.depth-${placed.depth % 2}.is-${state}`, {
    "data-frame": layer.id,
    width: placed.width,
    height: placed.height,
    rx: 10,
  });
}

/** The header of an open group, to be drawn above the lines that pass behind its title. */
export function header(scene: Scene, layer: WireLayer, placed: PlacedNode): SVGGElement {
  const { state, count } = scene.trouble(layer.id);
  const group = s(
    `g.node.header.depth-${placed.depth % 2}.is-${state}`,
    {
      "data-layer": layer.id,
      role: "button",
      tabindex: -1,
      "aria-expanded": "true",
      "aria-label": label(scene, layer, state),
    },
    s("rect.veil", { x: 2, y: 2, width: placed.width - 4, height: HEADER_HEIGHT - 7, rx: 8 }),
    s("text.halo", { x: TITLE_LEFT, y: 21 }, ...words(scene, layer, "▾")),
  );
  if (state !== "agree") group.append(sign(state, placed.width - 17, 16, count));
  return group;
}

/** What a screen reader says of a box. */
export function label(scene: Scene, layer: WireLayer, state: State): string {
  const shape = layer.outputs[0] === undefined ? "" : `, gives ${scene.symbolic(layer.outputs[0])}`;
  const said = state === "agree" ? "" : `, ${state === "unreached" ? "not reached" : state}`;
  return `${layer.name} ${layer.type === layer.name ? layer.kind : layer.type}${shape}${said}`;
}
