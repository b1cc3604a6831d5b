/** What there is to draw of a scene that is laid out. */

import { known, STATES, worst } from "../agreement";
import type { State, WireEdge } from "../contract.gen";
import { s } from "../dom";
import type { Layout, PlacedEdge, PlacedNode } from "../layout/index";
import { BADGE_HEIGHT, CHIP_GAP, chipHeight, HEADER_HEIGHT, type Scene } from "../scene";
import * as boxes from "./boxes";
import type { Item } from "./drawing";
import { arrowPath, linePath } from "./lines";
import type { Box } from "./viewport";

const ARROW: Record<State, number> = { mismatch: 12, coincidence: 9, unreached: 6, agree: 7 };
/** From the lower side of a badge to the box: an arrow can be seen between them. */
const BADGE_GAP = 19;

/** A line of the layout with the edges that it carries, and the worst state of them. */
interface Line {
  readonly placed: PlacedEdge;
  readonly carried: readonly WireEdge[];
  readonly state: State;
  readonly hasArrow: boolean;
}

/** The items of a picture; lines in trouble come last, and so lie over the others. */
export function items(scene: Scene, placed: Layout): Item[] {
  const open = new Set(placed.nodes.filter((node) => node.isOpen).map((node) => node.id));
  const entries = new Map<string, number>();
  const lines = placed.edges.map((edge): Line => {
    const end = edge.points[edge.points.length - 1];
    if (!edge.toPort && end) for (const id of edge.ids) entries.set(id, end.x);
    const carried = edge.ids.map((id) => scene.edges.get(id)).filter((each) => each !== undefined);
    const state = worst(carried.map((each) => each.state));
    return { placed: edge, carried, state, hasArrow: !edge.toPort && !open.has(edge.target) };
  });
  lines.sort((one, other) => STATES.indexOf(other.state) - STATES.indexOf(one.state));
  return [
    ...lines.map((each): Item => ({ level: "line", box: around(each.placed), make: () => line(scene, each) })),
    ...placed.nodes.flatMap((node) => nodeItems(scene, node, entries)),
  ];
}

function nodeItems(scene: Scene, node: PlacedNode, entries: ReadonlyMap<string, number>): Item[] {
  const layer = scene.layers.get(node.id);
  if (layer === undefined) return [];
  if (node.isOpen)
    return [
      { level: "frame", box: node, make: () => boxes.frame(layer, node, scene.trouble(node.id).state) },
      { level: "node", box: node, make: () => boxes.header(scene, layer, node) },
    ];
  const found: Item[] = [{ level: "node", box: node, make: () => boxes.box(scene, layer, node) }];
  const { shown, more } = scene.chips(node.id);
  const middle = node.x + node.anchor;
  let y = node.y + node.height + CHIP_GAP;
  for (const chip of shown) {
    const top = y;
    found.push({ level: "label", box: node, make: () => boxes.chip(chip, middle, top, scene.tensors) });
    y += chipHeight(chip) + CHIP_GAP;
  }
  if (more) found.push({ level: "label", box: node, make: () => boxes.moreChips(more, middle, y) });
  const badge = scene.badge(node.id);
  if (badge) {
    const x = entries.get(badge.edge.id) ?? middle;
    const top = node.y - BADGE_HEIGHT - BADGE_GAP;
    found.push({ level: "label", box: node, make: () => boxes.badge(badge, node.id, x, top) });
  }
  return found;
}

function around({ points }: PlacedEdge): Box {
  const [xs, ys] = [points.map((point) => point.x), points.map((point) => point.y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

function line(scene: Scene, { placed, carried, state, hasArrow }: Line): SVGElement {
  const shown = carried.find((edge) => known(edge.state) === state);
  const flags = `${carried.every((edge) => edge.assumed) ? " swg-assumed" : ""}${shown?.escaped ? " swg-escaped" : ""}`;
  const path = linePath(placed);
  const words = shown
    ? `${shown.source} → ${shown.target}\n${scene.symbolic(shown.tensor)}\n${scene.numeric(shown.tensor)}`
    : "";
  const group = s(
    "g",
    { class: `swg-edge swg-is-${state}${flags}`, "data-edge": shown?.id, "data-state": state },
    s("title", {}, words),
    s("path", { class: "swg-line", d: path }),
    s("path", { class: "swg-hit", d: path }),
  );
  if (hasArrow) group.append(s("path", { class: "swg-arrow", d: arrowPath(placed.points, ARROW[state]) }));
  const port = placed.fromPort ? placed.points[0] : undefined;
  if (port) group.append(s("circle", { class: "swg-port", cx: port.x, cy: port.y + HEADER_HEIGHT, r: 3.5 }));
  return group;
}
