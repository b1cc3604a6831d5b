/** The whole graph as a strip beside the view, with a tick for each problem, as code editors have one. */

import { h, s } from "../dom";
import type { Direction, Layout, PlacedNode } from "../layout/types";
import type { Problem } from "../problems";
import { drawn, type Outlines } from "./far";
import type { Viewport } from "./viewport";

const THICKNESS = 56;
/** Below this width, and for graphs that nearly fit, the strip would only be in the way. */
const LEAST_VIEW = 460;
const LEAST_OVERFLOW = 1.5;

export class Minimap {
  readonly #svg = s("svg", { "aria-hidden": "true" });
  readonly element = h("div", { class: "swg-map", title: "Drag to move the view" }, this.#svg);
  readonly #viewport: Viewport;
  readonly #frame = s("rect", { class: "swg-map-view", rx: 2 });
  #layout: Layout = { nodes: [], edges: [], width: 1, height: 1 };
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
    this.element.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      this.element.setPointerCapture(event.pointerId);
      go(event);
    });
    this.element.addEventListener("pointermove", (event) => {
      if (event.buttons) go(event);
    });
  }

  /** Another picture. */
  show(
    layout: Layout,
    outlines: Outlines,
    problems: readonly Problem[],
    boxOf: (id: string) => PlacedNode | undefined,
    direction: Direction,
  ): void {
    this.#layout = layout;
    this.#isDown = direction === "down";
    const world = s("g", {}, ...drawn(outlines));
    const ticks = problems.flatMap(({ id, state }) => {
      const box = boxOf(id);
      return box ? [s("rect", { class: `swg-tick swg-is-${state}`, "data-at": this.#isDown ? box.y : box.x })] : [];
    });
    this.#svg.replaceChildren(world, this.#frame, ...ticks);
    this.resize();
  }

  /** The room that there is has changed. */
  resize(): void {
    const { width, height } = this.#viewport;
    const { width: wide, height: high } = this.#layout;
    const overflow = this.#isDown ? high / Math.max(1, height) : wide / Math.max(1, width);
    this.element.hidden = width < LEAST_VIEW || overflow < LEAST_OVERFLOW;
    if (this.element.hidden) return;
    const [long, thick] = this.#isDown ? [high, wide] : [wide, high];
    const room = (this.#isDown ? height : width) - 24;
    const scale = Math.min(room / long, 0.25);
    const across = Math.min(THICKNESS / thick, 0.25);
    this.#scale = this.#isDown ? { x: across, y: scale } : { x: scale, y: across };
    this.#svg.setAttribute("width", String(Math.max(12, wide * this.#scale.x)));
    this.#svg.setAttribute("height", String(Math.max(12, high * this.#scale.y)));
    this.#svg.firstElementChild?.setAttribute("transform", `scale(${this.#scale.x} ${this.#scale.y})`);
    this.element.classList.toggle("swg-flat", !this.#isDown);
    for (const tick of this.#svg.querySelectorAll<SVGRectElement>(".swg-tick")) {
      const at = Number(tick.dataset.at) * scale - 1;
      const place = this.#isDown
        ? { x: 0, y: at, width: "100%", height: 3 }
        : { x: at, y: 0, width: 3, height: "100%" };
      for (const [name, value] of Object.entries(place)) tick.setAttribute(name, String(value));
    }
    this.move();
  }

  /** The view has moved. */
  move(): void {
    if (this.element.hidden) return;
    const { x, y, width, height } = this.#viewport.shown();
    const place = {
      x: x * this.#scale.x,
      y: y * this.#scale.y,
      width: width * this.#scale.x,
      height: height * this.#scale.y,
    };
    for (const [name, value] of Object.entries(place)) this.#frame.setAttribute(name, String(value));
  }
}
