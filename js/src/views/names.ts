/** Names of the parts of a graph that is drawn from afar: beside it, as a table of contents, or else in its boxes. */

import { signOf } from "../agreement";
import { isPill, title } from "../cards";
import type { WireLayer } from "../contract.gen";
import { assign, s } from "../dom";
import { badge } from "../labels";
import type { Direction, PlacedNode } from "../layout/types";
import type { Scene } from "../scene";
import { shortName } from "../texts";
import type { Box } from "./viewport";

/** All of these are pixels of the screen. */
const SIZE = 12;
const ROW = 15;
const INDENT = 12;
const GAP = 22;
const LETTER = 6.6;
/** The least room for names beside the graph. */
const LEAST_ROOM = 110;
const MOST_NAMES = 60;

/** A box of the graph and where it is on the screen. */
export interface Seen {
  readonly node: PlacedNode;
  readonly box: Box;
}

/** The boxes in the order in which they get a name: what is in trouble, then the outermost and the much larger first. */
export function ranked(scene: Scene, nodes: readonly PlacedNode[]): PlacedNode[] {
  const troubled = new Set(
    nodes.filter(({ id, isOpen }) => !isOpen && ["mismatch", "coincidence"].includes(scene.trouble(id).state)),
  );
  const extent = ({ width, height, isOpen }: PlacedNode): number =>
    isOpen ? Math.round(Math.log2(width * height)) : 0;
  return [...nodes].sort(
    (one, other) =>
      Number(troubled.has(other)) - Number(troubled.has(one)) || one.depth - other.depth || extent(other) - extent(one),
  );
}

/**
 * The names of boxes on the screen.
 *
 * @param seen The boxes in view, by rank.
 * @param whole The whole graph on the screen.
 */
export function names(
  scene: Scene,
  seen: Iterable<Seen>,
  whole: Box,
  view: { readonly width: number; readonly height: number },
  direction: Direction,
): SVGElement[] {
  const isDown = direction === "down";
  const room = isDown ? view.width - whole.x - whole.width : view.height - whole.y - whole.height;
  return room < LEAST_ROOM ? within(scene, seen) : beside(scene, seen, whole, isDown ? room : 1.3 * room, isDown);
}

/** One name a row as far as there are rows, with a thin line from its box. */
function beside(scene: Scene, seen: Iterable<Seen>, whole: Box, room: number, isDown: boolean): SVGElement[] {
  const taken: number[] = [];
  const found: SVGElement[] = [];
  for (const { node, box } of seen) {
    const layer = scene.layers.get(node.id);
    const [start, length] = isDown ? [box.y, box.height] : [box.x, box.width];
    const at = node.isOpen ? Math.max(start, Math.min(0, start + length - ROW)) + ROW / 2 : start + length / 2;
    if (layer === undefined || taken.length === MOST_NAMES) continue;
    if (taken.some((other) => Math.abs(other - at) < ROW)) continue;
    taken.push(at);
    const indent = INDENT * node.depth;
    const text = words(scene, layer, (room - GAP - indent) / LETTER);
    const [edge, end] = isDown
      ? [box.x + box.width, whole.x + whole.width]
      : [box.y + box.height, whole.y + whole.height];
    const transform = isDown ? `translate(${end + GAP} ${at})` : `translate(${at} ${end + GAP}) rotate(50)`;
    const line = isDown ? `M${edge + 3} ${at}H${end + GAP - 5 + indent}` : `M${at} ${edge + 3}V${end + GAP - 7}`;
    assign(text, { transform, x: indent, dy: "0.35em" });
    found.push(s("path.leader", { d: line }), text);
  }
  return found;
}

/** Names in the boxes that have room for them. */
function within(scene: Scene, seen: Iterable<Seen>): SVGElement[] {
  const found: SVGElement[] = [];
  for (const { node, box } of seen) {
    const layer = scene.layers.get(node.id);
    const room = Math.floor(box.width / LETTER) - 1;
    if (layer === undefined || isPill(layer) || box.height < 1.6 * SIZE || room < 2) continue;
    if (found.length === MOST_NAMES) break;
    const y = Math.max(box.y, Math.min(0, box.y + box.height - 1.6 * SIZE)) + 1.2 * SIZE;
    const text = named(scene, layer, title(scene, layer).name, room);
    assign(text, { x: box.x + 0.5 * SIZE, y });
    found.push(text);
  }
  return found;
}

/** A name in the colour of its layer's state; cut where it is too long, and then whole in a tooltip. */
function named(scene: Scene, layer: WireLayer, name: string, letters: number): SVGTextElement {
  const shown = shortName(name, Math.max(3, Math.floor(letters)));
  const text = s(`text.far-name.is-${scene.trouble(layer.id).state}`, { "data-name": layer.id }, shown);
  if (shown.includes("…")) text.append(s("title", layer.name));
  return text;
}

/** Name, class, and what the layer clashes with, costs or gives, as far as there is room. */
function words(scene: Scene, layer: WireLayer, letters: number): SVGTextElement {
  const { id } = layer;
  const { state } = scene.trouble(id);
  const { before, name, kind } = title(scene, layer);
  const sign = state === "agree" ? "" : signOf(state);
  const clash = layer.kind === "group" ? "" : (badge(scene, id)?.edge.badge ?? "");
  const shape = layer.outputs[0] === undefined ? "" : scene.symbolic(layer.outputs[0]);
  const value = clash || (scene.colouring.of(id)?.label ?? shape);
  const text = named(scene, layer, [sign, before, name].filter(Boolean).join(" "), letters);
  for (const part of [kind, value]) {
    const length = (text.textContent ?? "").length + 1 + part.length;
    if (part && length <= letters) text.append(s(part === kind ? "tspan" : "tspan.mono", { dx: 7 }, part));
  }
  return text;
}
