/** What there is to draw of a scene that is laid out. */

import { worst } from "../agreement";
import type { State, WireEdge } from "../contract.gen";
import { s } from "../dom";
import { BADGE_HEIGHT, badge, CHIP_GAP, chipHeight, chips, chipsHeight } from "../labels";
import type { Direction, Layout, PlacedEdge, PlacedNode, Point } from "../layout/index";
import { byWeight, type Scene } from "../scene";
import * as boxes from "./boxes";
import type { Item, Made } from "./drawing";
import { edge } from "./edge";
import { linePath } from "./lines";
import * as tags from "./tags";
import type { Box } from "./viewport";

/** From the lower side of a badge to the box: an arrow can be seen between them. */
const BADGE_GAP = 19;

/** A line of the layout with the edges that it carries, and the worst state of them. */
export interface Line {
  readonly placed: PlacedEdge;
  readonly carried: readonly WireEdge[];
  readonly state: State;
}

/** The lines of a layout; those in trouble come last, and so lie over the others. */
export function linesOf(scene: Scene, placed: Layout): Line[] {
  const lines = placed.edges.map((placed): Line => {
    const carried = placed.ids.map((id) => scene.edges.get(id)).filter((each) => each !== undefined);
    return { placed, carried, state: worst(carried.map((each) => each.state)) };
  });
  return lines.sort(byWeight);
}

/** What the items of one picture have in common. */
interface Surroundings {
  readonly scene: Scene;
  readonly direction: Direction;
  readonly open: ReadonlySet<string>;
  /** Where edges in trouble enter their boxes. */
  readonly entries: ReadonlyMap<string, number>;
}

/** The items of a picture. */
export function items(
  scene: Scene,
  nodes: readonly PlacedNode[],
  lines: readonly Line[],
  direction: Direction,
): Item[] {
  const open = new Set(nodes.filter((node) => node.isOpen).map((node) => node.id));
  const entries = new Map<string, number>();
  for (const { placed, state } of lines) {
    const end = placed.course[placed.course.length - 1];
    if (state !== "agree" && !placed.toPort && end) for (const id of placed.ids) entries.set(id, end.x);
  }
  const around = { scene, direction, open, entries };
  const all: Item[] = lines.map((line) => new LineItem(line, around));
  for (const node of nodes) all.push(new NodeItem(node, around));
  return all;
}

class LineItem implements Item {
  readonly key: string;
  readonly at: Point;
  readonly box: Box;
  readonly #line: Line;
  readonly #around: Surroundings;

  constructor(line: Line, around: Surroundings) {
    this.key = line.placed.key;
    this.at = line.placed.course[0] ?? { x: 0, y: 0 };
    this.box = boundsOf(line.placed.course);
    this.#line = line;
    this.#around = around;
  }

  look(): string {
    return linePath(this.#placed(), this.#around.direction) + this.#hasArrow();
  }

  make(): Made {
    const { scene, direction } = this.#around;
    return [["line", edge(scene, { ...this.#line, placed: this.#placed() }, this.#hasArrow(), direction)]];
  }

  #hasArrow(): boolean {
    const { toPort, target } = this.#line.placed;
    return !toPort && !this.#around.open.has(target);
  }

  /** The same line, from where it begins. */
  #placed(): PlacedEdge {
    const course = this.#line.placed.course.map(({ x, y }) => ({ x: x - this.at.x, y: y - this.at.y }));
    return { ...this.#line.placed, course };
  }
}

class NodeItem implements Item {
  readonly key: string;
  readonly at: PlacedNode;
  readonly box: PlacedNode;
  readonly #around: Surroundings;

  constructor(node: PlacedNode, around: Surroundings) {
    this.key = node.id;
    this.at = node;
    this.box = node;
    this.#around = around;
  }

  look(): string {
    const { width, height, anchor, isOpen, depth } = this.box;
    return [width, height, anchor, isOpen, depth % 2, this.#entry()].join();
  }

  make(): Made {
    const { box, key } = this;
    const { scene, direction } = this.#around;
    const layer = scene.layers.get(key);
    if (layer === undefined) return [];
    if (!box.isOpen)
      return [
        ["node", boxes.box(scene, layer, box)],
        ["label", labels(scene, box, this.#entry(), direction)],
      ];
    return [
      ["frame", boxes.frame(layer, box, scene.trouble(key).state)],
      ["node", boxes.header(scene, layer, box)],
    ];
  }

  /** Where the line that clashes enters a closed box, from its left side. */
  #entry(): number | undefined {
    const { scene, direction, entries } = this.#around;
    const clash = this.box.isOpen || direction === "right" ? null : badge(scene, this.key);
    const x = clash ? entries.get(clash.edge.id) : undefined;
    return x === undefined ? x : x - this.box.x;
  }
}

/** The chips and the badge of a box. */
function labels(scene: Scene, node: PlacedNode, entry: number | undefined, direction: Direction): SVGElement {
  const group = s("g", { "data-of": node.id });
  const shapes = chips(scene, node.id);
  const isDown = direction === "down";
  const middle = isDown ? node.anchor : node.width / 2;
  let y = isDown ? node.height + CHIP_GAP : -chipsHeight(shapes) - CHIP_GAP;
  for (const chip of shapes.shown) {
    group.append(tags.chip(chip, middle, y, scene.tensors));
    y += chipHeight(chip) + CHIP_GAP;
  }
  if (shapes.more) group.append(tags.moreChips(shapes.more, middle, y));
  const clash = badge(scene, node.id);
  if (clash)
    group.append(
      tags.badge(clash, node.id, entry ?? middle, isDown ? -BADGE_HEIGHT - BADGE_GAP : node.height + CHIP_GAP),
    );
  return group;
}

function boundsOf(course: readonly Point[]): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of course) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}
