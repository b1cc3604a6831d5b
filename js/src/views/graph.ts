/** The graph on the page: the picture in its frame, and what pointer and keyboard do with it. */

import { h, on, s } from "../dom";
import { Hint } from "./hint";
import { Picture } from "./picture";
import { Viewport } from "./viewport";
import { neighbour } from "./walk";

export interface GraphEvents {
  select(id: string): void;
  open(groups: readonly string[]): void;
}

/** One view's graph. */
export class GraphFrame {
  readonly element: HTMLElement;
  readonly viewport: Viewport;
  readonly picture: Picture;
  readonly #svg = s("svg.svg", { role: "application", tabindex: -1, "aria-label": "Layer graph" });
  readonly #hint = new Hint();
  readonly #events: GraphEvents;

  constructor(root: HTMLElement, events: GraphEvents) {
    this.#events = events;
    this.viewport = new Viewport(
      this.#svg,
      root,
      () => this.picture.moved(),
      (text) => this.#hint.show(text),
    );
    this.picture = new Picture(this.viewport, events.open);
    this.#svg.append(this.picture.afar.element, this.picture.drawing.element);
    this.element = h("div.view", this.#svg, this.picture.where, this.picture.map.element, this.#hint.element);
    on(this.#svg, "click", (event) => this.#click(event));
    on(this.#svg, "dblclick", (event) => {
      if (event.target === this.#svg && !this.picture.isFar) this.picture.fit();
    });
    on(this.#svg, "keydown", (event) => this.#key(event));
    on(this.#svg, "focusin", (event) => {
      this.picture.focused = (event.target as SVGElement).dataset.layer ?? this.picture.focused;
    });
    on(this.#svg, "pointerover", (event) => this.#hover(event));
  }

  select(id: string): void {
    this.picture.marks.selection = id;
    this.picture.mark();
  }

  /** Dim what does not match; gives the layers that do. */
  search(query: string): string[] {
    return this.picture.search(query);
  }

  /** Switch a state or a tone off, or on again. */
  toggle(kind: string): boolean {
    const isOn = this.picture.marks.toggle(kind);
    this.picture.mark();
    return isOn;
  }

  dispose(): void {
    this.#hint.dispose();
    this.picture.dispose();
  }

  // -- pointer -------------------------------------------------------------------------------------------------------

  #hover(event: PointerEvent): void {
    const edge = hit(event, "[data-edge]")?.dataset.edge ?? "";
    if (edge === this.picture.marks.hovered) return;
    this.picture.marks.hovered = edge;
    this.picture.mark();
  }

  #click(event: MouseEvent): void {
    if (this.viewport.wasDragged) return;
    if (this.picture.isFar) this.#goNear(event);
    else this.#pick(event);
  }

  #pick(event: MouseEvent): void {
    const { layer, edge } = hit(event, "[data-layer], [data-edge]")?.dataset ?? {};
    if (layer === undefined) this.#svg.focus({ preventScroll: true });
    else this.#activate(layer);
    this.#events.select(layer ?? edge ?? "");
  }

  /** From afar there is little to read: a click goes nearer, on a name to what it names. */
  #goNear(event: MouseEvent): void {
    const named = hit(event, "[data-name]")?.dataset.name;
    this.#svg.focus({ preventScroll: true });
    if (named !== undefined) this.picture.reveal(named);
    this.#events.select(named ?? this.picture.goNear(this.viewport.onScreen(event)));
  }

  /** A group opens or closes, and any box gets the focus. */
  #activate(id: string): void {
    if (this.picture.scene?.layers.get(id)?.kind === "group") this.picture.toggle(id);
    this.picture.focusOn(id);
  }

  // -- keyboard ------------------------------------------------------------------------------------------------------

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || this.picture.scene === null) return;
    const { focused, nodes, scene } = this.picture;
    const next = neighbour(scene, nodes, focused, event.key);
    if (next) {
      this.viewport.centre(next.x + next.width / 2, next.y + 20, 0.5);
      this.picture.focusOn(next.id);
      this.#events.select(next.id);
    } else if (event.key === "Enter" || event.key === " ") {
      this.#activate(focused);
      this.#events.select(focused);
    } else if (event.key === "+" || event.key === "-") this.viewport.zoom(event.key === "+" ? 1.25 : 0.8);
    else if (event.key === "0") this.picture.fit();
    else if (next === undefined) return;
    event.preventDefault();
  }
}

function hit(event: Event, selector: string): SVGElement | null {
  return event.target instanceof Element ? event.target.closest<SVGElement>(selector) : null;
}
