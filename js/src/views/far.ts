/** A large graph from afar: a few merged paths in place of thousands of elements, and the names of the groups. */

import { s } from "../dom";
import type { PlacedNode, Point } from "../layout/types";
import type { Placing } from "../placing";
import type { Scene } from "../scene";
import type { Line } from "./items";
import type { Marks } from "./marks";
import { names, ranked, type Seen } from "./names";
import { type Box, touches, type Viewport } from "./viewport";

/** Across its flow a graph is drawn at no smaller scale than this: a long chain would be a hair. */
const LEAST_ACROSS = 0.1;
/** Half of the room that names take beside it. */
const MOST_ASIDE = 110;

/** The parts of a picture as paths, one for all that look alike: what they look like, from the lowest to the highest. */
export type Outlines = ReadonlyMap<string, string>;

/** The paths of a picture; made once a layout. */
export function outlines(scene: Scene, nodes: readonly PlacedNode[], lines: readonly Line[]): Outlines {
  const paths = new Map<string, string>();
  const add = (look: string, path: string): void => void paths.set(look, (paths.get(look) ?? "") + path);
  for (const node of nodes) if (node.isOpen) add(`frame.depth-${node.depth % 2}`, rectangle(node));
  for (const { state, placed } of lines)
    add(
      `line.is-${state}`,
      placed.course.map(({ x, y }, place) => `${place ? "L" : "M"}${Math.round(x)} ${Math.round(y)}`).join(""),
    );
  for (const node of nodes) {
    const { state } = scene.trouble(node.id);
    const tone = state === "agree" ? scene.colouring.of(node.id)?.tone : undefined;
    if (!node.isOpen) add(`far.is-${tone ?? state}`, rectangle(node));
  }
  return paths;
}

/** The paths as elements. */
export function drawn(outlines: Outlines): SVGElement[] {
  return [...outlines].map(([look, d]) => {
    const tone = /(heat|kind)-.*/.exec(look)?.[0];
    return s(`path.${look}`, { d, style: tone && `fill:var(--${tone})` });
  });
}

/** The view from afar of one layout after another; its paths are also those of the map. */
export class Afar {
  readonly element = s("g.afar");
  readonly #world = s("g");
  readonly #names = s("g");
  readonly #viewport: Viewport;
  readonly #placing: Placing;
  #scene: Scene | null = null;
  #lines: readonly Line[] = [];
  #outlines: Outlines | null = null;
  #ranked: readonly PlacedNode[] = [];

  constructor(viewport: Viewport, placing: Placing) {
    this.#viewport = viewport;
    this.#placing = placing;
    this.element.append(this.#world, this.#names);
  }

  /** Another layout, or the same one in other colours. */
  show(scene: Scene, lines: readonly Line[]): void {
    this.#scene = scene;
    this.#lines = lines;
    this.#outlines = null;
    this.#world.replaceChildren();
  }

  /** The paths, made when they are first asked for. */
  outlines(scene: Scene): Outlines {
    this.#outlines ??= outlines(scene, this.#placing.nodes, this.#lines);
    return this.#outlines;
  }

  /** Draw the part in view, or nothing where what is near is drawn. */
  draw(isShown: boolean, marks: Marks): void {
    this.element.classList.toggle("swg-on", isShown);
    const scene = this.#scene;
    if (!isShown || scene === null) return;
    if (!this.#world.firstChild) {
      this.#world.append(...drawn(this.outlines(scene)));
      this.#ranked = ranked(scene, this.#placing.nodes);
    }
    const { x, y, width, height } = this.#onScreen({ x: 0, y: 0, width: 1, height: 1 });
    this.#world.setAttribute("transform", `matrix(${width} 0 0 ${height} ${x} ${y})`);
    this.#world.classList.toggle("swg-dim", marks.isSearching);
    const named = marks.isSearching ? this.#ranked.filter(({ id, isOpen }) => marks.isFound(id, isOpen)) : this.#ranked;
    const whole = this.#onScreen({ x: 0, y: 0, ...this.#size });
    this.#names.replaceChildren(...names(scene, this.#seen(named), whole, this.#viewport, this.#placing.direction));
  }

  /** Move a picture that leaves room at its sides so that it and its names are in the middle together. */
  makeRoom(): void {
    const { scale } = this.#viewport;
    const { x, y } = this.#onScreen({ x: 0, y: 0, width: 0, height: 0 });
    const by = (free: number): number => -Math.min(MOST_ASIDE, free / 2) / scale;
    const isDown = this.#placing.direction === "down";
    this.#viewport.shift(isDown ? by(x) : 0, isDown ? 0 : by(y));
  }

  /** The point of the picture that is drawn at one of the screen. */
  toPicture({ x, y }: Point): Point {
    const unit = this.#onScreen({ x: 0, y: 0, width: 1, height: 1 });
    return { x: (x - unit.x) / unit.width, y: (y - unit.y) / unit.height };
  }

  get #size(): { width: number; height: number } {
    const { width, height } = this.#placing.layout;
    return { width, height };
  }

  /** Where a box is drawn: as the viewport has it, but widened across the flow from the middle of the picture. */
  #onScreen(box: Box): Box {
    const { x, y, scale, width, height } = this.#viewport;
    const isDown = this.#placing.direction === "down";
    const thick = isDown ? this.#size.width : this.#size.height;
    const most = (isDown ? width : height) / 2 / thick;
    const extra = Math.max(scale, Math.min(LEAST_ACROSS, most)) - scale;
    const [moreX, moreY] = isDown ? [extra, 0] : [0, extra];
    return {
      x: x + box.x * (scale + moreX) - (moreX * thick) / 2,
      y: y + box.y * (scale + moreY) - (moreY * thick) / 2,
      width: box.width * (scale + moreX),
      height: box.height * (scale + moreY),
    };
  }

  *#seen(nodes: readonly PlacedNode[]): Iterable<Seen> {
    const { width, height } = this.#viewport;
    for (const node of nodes) {
      const box = this.#onScreen(node);
      if (touches(box, { x: 0, y: 0, width, height })) yield { node, box };
    }
  }
}

function rectangle({ x, y, width, height }: Box): string {
  const [right, down] = [Math.round(width), Math.round(height)];
  return `M${Math.round(x)} ${Math.round(y)}h${right}v${down}h${-right}z`;
}
