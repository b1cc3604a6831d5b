/** A large graph from afar: a few merged paths in place of thousands of elements, and the names of the groups. */

import { isPill, title } from "../cards";
import { s } from "../dom";
import { groupBy } from "../layout/group-by";
import type { PlacedNode } from "../layout/types";
import type { Scene } from "../scene";
import type { Line } from "./items";
import { type Box, touches } from "./viewport";

const NAME_SIZE = 12;
const MOST_NAMES = 60;

/** The parts of a picture as paths, one for all that look alike. */
export interface Outlines {
  readonly frames: string[];
  readonly lines: Map<string, string>;
  readonly boxes: Map<string, string>;
}

/** The paths of a picture; made once a layout. */
export function outlines(scene: Scene, nodes: readonly PlacedNode[], lines: readonly Line[]): Outlines {
  const open = nodes.filter((node) => node.isOpen);
  const closed = nodes.filter((node) => !node.isOpen);
  const look = ({ id }: PlacedNode): string => {
    const { state } = scene.trouble(id);
    return state === "agree" ? (scene.colouring.of(id)?.tone ?? state) : state;
  };
  const merged = <T>(groups: Map<string, T[]>, draw: (item: T) => string): Map<string, string> =>
    new Map([...groups].map(([key, items]) => [key, items.map(draw).join("")]));
  return {
    frames: [0, 1].map((odd) =>
      open
        .filter((node) => node.depth % 2 === odd)
        .map((node) => rectangle(node))
        .join(""),
    ),
    lines: merged(
      groupBy(lines, (line) => line.state),
      ({ placed }) =>
        placed.points.map(({ x, y }, place) => `${place ? "L" : "M"}${Math.round(x)} ${Math.round(y)}`).join(""),
    ),
    boxes: merged(groupBy(closed, look), rectangle),
  };
}

/** The paths as elements; what is in trouble lies on top. */
export function drawn({ frames, lines, boxes }: Outlines): SVGElement[] {
  const path = (className: string, d: string): SVGElement => s("path", { class: className, d });
  return [
    ...frames.map((d, odd) => path(`swg-frame swg-depth-${odd}`, d)),
    ...[...lines].map(([state, d]) => s("g", { class: `swg-is-${state}` }, path("swg-line", d))),
    ...[...boxes].map(([look, d]) => {
      const element = path(`swg-far swg-is-${look}`, d);
      if (/^(heat|kind)-/.test(look)) element.setAttribute("style", `fill:var(--${look})`);
      return element;
    }),
  ];
}

/** The view from afar of one layout after another; its paths are also those of the map. */
export class Afar {
  readonly element = s("g", { class: "swg-afar" });
  #scene: Scene | null = null;
  #nodes: readonly PlacedNode[] = [];
  #lines: readonly Line[] = [];
  #outlines: Outlines | null = null;

  /** Another layout, or the same one in other colours. */
  show(scene: Scene, nodes: readonly PlacedNode[], lines: readonly Line[]): void {
    this.#scene = scene;
    this.#nodes = nodes;
    this.#lines = lines;
    this.#outlines = null;
    this.element.replaceChildren();
  }

  /** The paths, made when they are first asked for. */
  outlines(scene: Scene): Outlines {
    this.#outlines ??= outlines(scene, this.#nodes, this.#lines);
    return this.#outlines;
  }

  /** Draw the part in view, or nothing where what is near is drawn. */
  draw(isShown: boolean, shown: Box, scale: number): void {
    this.element.classList.toggle("swg-on", isShown);
    if (!isShown || this.#scene === null) return;
    if (!this.element.firstChild) this.element.append(s("g", {}, ...drawn(this.outlines(this.#scene))), s("g"));
    this.element.lastElementChild?.replaceChildren(...names(this.#scene, this.#nodes, shown, scale));
  }
}

/** Names of the groups in view that have room for them, as large on the screen at any scale. */
export function names(scene: Scene, nodes: readonly PlacedNode[], view: Box, scale: number): SVGElement[] {
  const size = NAME_SIZE / scale;
  const found: SVGElement[] = [];
  for (const node of nodes) {
    const layer = scene.layers.get(node.id);
    if (layer === undefined || isPill(layer) || found.length >= MOST_NAMES) continue;
    if (node.height < 1.6 * size || !touches(node, view)) continue;
    const { name } = title(scene, layer);
    const room = Math.floor(node.width / size / 0.6) - 1;
    if (room < 2) continue;
    const text = name.length > room ? `${name.slice(0, room - 1)}…` : name;
    const y = Math.max(node.y, Math.min(view.y, node.y + node.height - 1.6 * size)) + 1.2 * size;
    found.push(s("text", { class: "swg-far-name", x: node.x + 0.5 * size, y, "font-size": size }, text));
  }
  return found;
}

function rectangle({ x, y, width, height }: Box): string {
  const [right, down] = [Math.round(width), Math.round(height)];
  return `M${Math.round(x)} ${Math.round(y)}h${right}v${down}h${-right}z`;
}
