/** What there is to draw of a scene that is laid out. */

import { known, worst } from "../agreement";
import { HEADER_HEIGHT } from "../cards";
import type { State, WireEdge } from "../contract.gen";
import { s } from "../dom";
import { BADGE_HEIGHT, badge, CHIP_GAP, chipHeight, chips } from "../labels";
import type { Direction, Layout, PlacedEdge, PlacedNode } from "../layout/index";
import { byWeight, type Scene } from "../scene";
import * as boxes from "./boxes";
import type { Item } from "./drawing";
import { arrowPath, linePath } from "./lines";
import * as tags from "./tags";
import type { Box } from "./viewport";

const ARROW: Record<State, number> = { mismatch: 12, coincidence: 9, unreached: 6, agree: 7 };
/** From the lower side of a badge to the box: an arrow can be seen between them. */
const BADGE_GAP = 19;

/** A line of the layout with the edges that it carries, and the worst state of them. */
export interface Line {
  readonly placed: PlacedEdge;
  readonly carried: readonly WireEdge[];
  readonly state: State;
  readonly hasArrow: boolean;
}

/** The lines of a layout; those in trouble come last, and so lie over the others. */
export function linesOf(scene: Scene, placed: Layout): Line[] {
  const open = new Set(placed.nodes.filter((node) => node.isOpen).map((node) => node.id));
  const lines = placed.edges.map((edge): Line => {
    const carried = edge.ids.map((id) => scene.edges.get(id)).filter((each) => each !== undefined);
    const state = worst(carried.map((each) => each.state));
    return { placed: edge, carried, state, hasArrow: !edge.toPort && !open.has(edge.target) };
  });
  return lines.sort(byWeight);
}

/** The items of a picture. */
export function items(scene: Scene, placed: Layout, lines: readonly Line[], direction: Direction): Item[] {
  const entries = new Map<string, number>();
  for (const { toPort, points, ids } of placed.edges) {
    const end = points[points.length - 1];
    if (!toPort && end) for (const id of ids) entries.set(id, end.x);
  }
  return [
    ...lines.map(
      (each): Item => ({ level: "line", box: around(each.placed), make: () => line(scene, each, direction) }),
    ),
    ...placed.nodes.flatMap((node) => nodeItems(scene, node, entries, direction)),
  ];
}

function nodeItems(scene: Scene, node: PlacedNode, entries: ReadonlyMap<string, number>, direction: Direction): Item[] {
  const layer = scene.layers.get(node.id);
  if (layer === undefined) return [];
  if (node.isOpen)
    return [
      { level: "frame", box: node, make: () => boxes.frame(layer, node, scene.trouble(node.id).state) },
      { level: "node", box: node, make: () => boxes.header(scene, layer, node) },
    ];
  return [
    { level: "node", box: node, make: () => boxes.box(scene, layer, node) },
    { level: "label", box: node, make: () => labels(scene, node, entries, direction) },
  ];
}

/** The chips and the badge of a box; found out only when they come into view. */
function labels(
  scene: Scene,
  node: PlacedNode,
  entries: ReadonlyMap<string, number>,
  direction: Direction,
): SVGElement {
  const group = s("g");
  const { shown, more } = chips(scene, node.id);
  const isDown = direction === "down";
  const middle = node.x + (isDown ? node.anchor : node.width / 2);
  let y = node.y + node.height + CHIP_GAP;
  for (const chip of shown) {
    group.append(tags.chip(chip, middle, y, scene.tensors));
    y += chipHeight(chip) + CHIP_GAP;
  }
  if (more) group.append(tags.moreChips(more, middle, y));
  const clash = badge(scene, node.id);
  if (clash) {
    const x = isDown ? (entries.get(clash.edge.id) ?? middle) : middle;
    const top = node.y - BADGE_HEIGHT - (isDown ? BADGE_GAP : CHIP_GAP);
    group.append(tags.badge(clash, node.id, x, top));
  }
  return group;
}

function around({ points }: PlacedEdge): Box {
  const [xs, ys] = [points.map((point) => point.x), points.map((point) => point.y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

function line(scene: Scene, { placed, carried, state, hasArrow }: Line, direction: Direction): SVGElement {
  const shown = carried.find((edge) => known(edge.state) === state);
  const flags = [
    carried.every((edge) => edge.assumed) ? " swg-assumed" : "",
    carried.every((edge) => edge.escaped) ? " swg-escaped" : "",
  ].join("");
  const path = linePath(placed, direction);
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
  if (hasArrow) group.append(s("path", { class: "swg-arrow", d: arrowPath(placed.points, ARROW[state], direction) }));
  const port = placed.fromPort ? placed.points[0] : undefined;
  const down = direction === "down" ? HEADER_HEIGHT : 0;
  if (port) group.append(s("circle", { class: "swg-port", cx: port.x, cy: port.y + down, r: 3.5 }));
  return group;
}
