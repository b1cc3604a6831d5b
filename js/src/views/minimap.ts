/** The whole graph as a strip at the edge of the view, with a tick for each problem, as code editors have one. */

import { assign, h, on, s } from "../dom";
import type { Direction, Layout, PlacedNode } from "../layout/types";
import type { Problem } from "../problems";
import { drawn, type Outlines } from "./far";
import type { Viewport } from "./viewport";

const THICKNESS = 52;
/** On either side of the strip. */
const MARGIN = 10;
/** Below this width, and for graphs that nearly fit, the strip would only be in the way. */
const LEAST_VIEW = 460;
const LEAST_OVERFLOW = 1.5;
const LARGEST_SCALE = 0.25;

export class Minimap {
  readonly #svg = s("svg", { "aria-hidden": "true" });
  readonly element = h("div.map", { title: "Drag to move the view" }, this.#svg);
  readonly #viewport: Viewport;
  readonly #frame = s("rect.map-view", { rx: 2 });
  #isDown = true;
  /** Pixels of the strip for one of the picture. */
  #scale = { x: 1, y: 1 };

  constructor(viewport: Viewport) {
    this.#viewport = viewport;
    const go = (event: PointerEvent): void => {
      const { left, top } = this.#svg.getBoundingClientRect();
      viewport.wasMoved = true;
      viewport.centre((event.clientX - left) / this.#scale.x, (event.clientY - top) / this.#scale.y, 0);
    };
    on(this.element, "pointerdown", (event) => {
      event.stopPropagation();
      this.element.setPointerCapture(event.pointerId);
      go(event);
    });
    on(this.element, "pointermove", (event) => {
      if (event.buttons) go(event);
    });
  }

  /** Another picture, or another room for it; gives whether the map is shown. */
  fit({ width: wide, height: high }: Layout, direction: Direction): boolean {
    this.#viewport.reserve(0, 0);
    const { width, height } = this.#viewport;
    this.#isDown = direction === "down";
    const overflow = this.#isDown ? high / Math.max(1, height) : wide / Math.max(1, width);
    this.element.hidden = width < LEAST_VIEW || overflow < LEAST_OVERFLOW;
    if (this.element.hidden) return false;
    const [long, thick] = this.#isDown ? [high, wide] : [wide, high];
    const along = Math.min(((this.#isDown ? height : width) - 2 * MARGIN) / long, LARGEST_SCALE);
    const across = Math.min(THICKNESS / thick, LARGEST_SCALE);
    this.#scale = this.#isDown ? { x: across, y: along } : { x: along, y: across };
    Object.assign(this.#svg.style, { width: `${wide * this.#scale.x}px`, height: `${high * this.#scale.y}px` });
    this.element.classList.toggle("swg-flat", !this.#isDown);
    const room = THICKNESS + 2 * MARGIN;
    this.#viewport.reserve(this.#isDown ? room : 0, this.#isDown ? 0 : room);
    return true;
  }

  show(outlines: Outlines, problems: readonly Problem[], boxOf: (id: string) => PlacedNode | undefined): void {
    const { x, y } = this.#scale;
    const ticks = problems.flatMap(({ id, state }) => {
      const box = boxOf(id);
      if (!box) return [];
      const place = this.#isDown
        ? { y: box.y * y - 1, width: "100%", height: 3 }
        : { x: box.x * x - 1, width: 3, height: "100%" };
      return [s(`rect.tick.is-${state}`, place)];
    });
    const world = s("g", { transform: `scale(${x} ${y})` }, ...drawn(outlines));
    this.#svg.replaceChildren(world, this.#frame, ...ticks);
  }

  /** The view has moved. */
  move(): void {
    if (this.element.hidden) return;
    const { x, y, width, height } = this.#viewport.shown();
    const { x: across, y: along } = this.#scale;
    assign(this.#frame, { x: x * across, y: y * along, width: width * across, height: height * along });
  }
}
