/** What stands on a box, and the room that it takes. No DOM. */

import type { WireLayer } from "./contract.gen";
import { BADGE_HEIGHT, badge, CHIP_GAP, chips, chipsHeight } from "./labels";
import type { Direction, NodeSize } from "./layout/types";
import type { Scene } from "./scene";
import { shortArguments, shortName } from "./texts";

export const HEADER_HEIGHT = 32;
/** Of an open group from left to right: before the first of its layers. */
const PORT_PADDING = 8;
const BADGE_ROOM = 42;
const SIGN_ROOM = 22;
/** Of the triangle before the name of a group. */
const FOLD_ROOM = 12;
const CARD_HEIGHT = 44;
const PILL_HEIGHT = 28;

/** Whether a box has one line of text and round ends. */
export function isPill(layer: WireLayer): boolean {
  return layer.kind !== "group" && (layer.kind !== "layer" || layer.signature === "");
}

/** What is printed in bold, and what in grey behind it: a layer that is only numbered is known by its class. */
export function title(scene: Scene, layer: WireLayer): { before: string; name: string; kind: string } {
  const kind = kindText(scene, layer);
  if (/^\d+$/.test(layer.name) && kind) return { before: layer.name, name: kind, kind: "" };
  return { before: "", name: shortName(layer.name), kind };
}

function kindText(scene: Scene, layer: WireLayer): string {
  if (layer.kind === "input") return scene.tensors[layer.outputs[0] ?? -1]?.dtype ?? "";
  return layer.kind === "output" || layer.type === layer.name ? "" : shortName(layer.type);
}

/** What stands below the name, or behind it in a pill; the value where the colours show one. */
export function detail(scene: Scene, layer: WireLayer): string {
  const value = scene.colouring.of(layer.id)?.label;
  if (value !== undefined) return value === kindText(scene, layer) ? "" : value;
  const fold = scene.folds.get(layer.id);
  if (fold) return `same as ${shortName(fold.first.name, 20)}`;
  if (layer.kind !== "group") return layer.kind === "operation" ? shortArguments(layer.signature) : layer.signature;
  const inside = scene.index.leafCount(layer.id);
  return `${inside} ${inside === 1 ? "layer" : "layers"}`;
}

/** The room that a box takes, in the terms of a layout from top to bottom whichever way the data flows. */
export function roomOf(scene: Scene, id: string, isOpen: boolean, direction: Direction): NodeSize {
  const room = roomDown(scene, id, isOpen);
  if (direction === "down") return room;
  if (isOpen) return { width: 0, height: PORT_PADDING, above: 0, below: 0, beside: HEADER_HEIGHT - PORT_PADDING };
  // Chips stand above a box, and so at the left of its line, and badges below, from where lanes come.
  return {
    width: room.height,
    height: room.width,
    above: room.left ?? 0,
    below: room.right ?? 0,
    left: room.below,
    right: room.above && BADGE_HEIGHT + 2 * CHIP_GAP,
  };
}

function roomDown(scene: Scene, id: string, isOpen: boolean): NodeSize {
  const layer = scene.layers.get(id);
  if (layer === undefined) return { width: 40, height: PILL_HEIGHT, above: 0, below: 0 };
  const { before, name, kind } = title(scene, layer);
  const fold = layer.kind === "group" ? FOLD_ROOM : 0;
  const words =
    fold +
    scene.measure(name, "bold") +
    [before, kind].reduce((sum, text) => sum + (text ? 6 + scene.measure(text, "plain") : 0), 0);
  if (isOpen) return { width: words + 96, height: HEADER_HEIGHT, above: 0, below: 0 };
  const below = scene.measure(detail(scene, layer), "mono");
  const sign = scene.trouble(id).state === "agree" ? 0 : SIGN_ROOM;
  const ends = isPill(layer) ? words + (below ? below + 8 : 0) + 34 + sign : Math.max(words + sign, below) + 26;
  const width = Math.max(64, ends);
  const shapes = chips(scene, id);
  const clash = badge(scene, id);
  const widest = Math.max(clash?.width ?? 0, ...shapes.shown.map((chip) => chip.width));
  const free = Math.max(0, (widest - width) / 2);
  return {
    width,
    height: isPill(layer) ? PILL_HEIGHT : CARD_HEIGHT,
    above: clash ? BADGE_ROOM : 0,
    below: shapes.shown.length ? 2 * CHIP_GAP + chipsHeight(shapes) : 0,
    left: free,
    right: free,
  };
}
