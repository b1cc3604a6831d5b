/** The picture of the graph: lays out what is open, draws it, and answers to pointer and keyboard. */

import { known } from "../agreement";
import type { State, WireGraph, WireTensor } from "../contract.gen";
import { h, s } from "../dom";
import { type Layout, LayoutCache, layout, type PlacedNode } from "../layout/index";
import { Scene } from "../scene";
import { Drawing } from "./drawing";
import { items } from "./items";
import { measurer } from "./measure";
import { Viewport } from "./viewport";

const MOVE_MS = 220;
/** The scale below which texts are too small to be read. */
const READABLE = 0.75;

export interface GraphEvents {
  select(id: string): void;
  open(groups: readonly string[]): void;
}

/** One view's picture. `show` takes a new graph, `update` new sizes of the same one. */
export class GraphPicture {
  readonly element: HTMLElement;
  readonly viewport: Viewport;
  readonly #svg = s("svg", { class: "swg-svg", role: "application", tabindex: -1, "aria-label": "Layer graph" });
  readonly #drawing = new Drawing();
  readonly #hint = h("div", { class: "swg-hint", "aria-hidden": "true" }, "Click the graph to zoom with the wheel");
  readonly #measure = measurer();
  readonly #cache = new LayoutCache();
  readonly #events: GraphEvents;
  readonly #hidden = new Set<State>();
  #scene: Scene | null = null;
  #open = new Set<string>();
  #placed: Layout = { nodes: [], edges: [], width: 0, height: 0 };
  #nodes = new Map<string, PlacedNode>();
  /** What a person went to, until the picture is moved. */
  #revealed = "";
  #frame = 0;
  #selection = "";
  #query = "";
  #focus = "";
  #hintTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(root: HTMLElement, events: GraphEvents) {
    this.#events = events;
    this.#svg.append(this.#drawing.element);
    this.element = h("div", { class: "swg-view" }, this.#svg, this.#hint);
    this.viewport = new Viewport(
      this.#svg,
      root,
      () => this.#transform(),
      () => this.#showHint(),
    );
    this.#svg.addEventListener("click", (event) => this.#click(event));
    this.#svg.addEventListener("dblclick", (event) => {
      if (event.target === this.#svg) this.fit();
    });
    this.#svg.addEventListener("keydown", (event) => this.#key(event));
    this.#svg.addEventListener("focusin", (event) => {
      this.#focus = (event.target as SVGElement).dataset.layer ?? this.#focus;
    });
  }

  get scene(): Scene | null {
    return this.#scene;
  }

  /** Draw another graph. Groups stay open where a person chose them, else those with problems are. */
  show(graph: WireGraph, tensors: readonly WireTensor[], chosen: readonly string[] | null): void {
    const isFirst = this.#scene === null || this.#scene.graph.title !== graph.title;
    this.#scene = new Scene(graph, tensors, this.#measure);
    if (isFirst) this.#open = chosen === null ? this.#scene.firstOpen() : new Set(chosen);
    this.#draw();
    if (isFirst) this.home();
  }

  /** New sizes of the same tensors. */
  update(tensors: readonly WireTensor[]): void {
    if (this.#scene === null) return;
    this.#scene.tensors = tensors;
    this.#draw();
  }

  /** Open the groups that were chosen elsewhere: in another view, or in the kernel. */
  follow(chosen: readonly string[]): void {
    if (chosen.length === this.#open.size && chosen.every((id) => this.#open.has(id))) return;
    this.#open = new Set(chosen);
    this.#draw();
  }

  /** The first problem in the middle, or else the whole graph, or its beginning where all of it would be too small. */
  home(): void {
    const problem = this.#scene?.problems()[0];
    this.fit();
    if (this.viewport.scale >= READABLE) return;
    if (problem !== undefined) this.#centre(problem.id);
    else this.viewport.startAt(this.#mainLine(), READABLE);
  }

  /** The x at which the data enters. */
  #mainLine(): number {
    const first = this.#placed.nodes[0];
    return first ? first.x + first.anchor : 0;
  }

  /** Keep in view what was, in a view of another size, unless a person has moved the picture. */
  resized(): void {
    if (this.viewport.wasMoved) return;
    if (this.#revealed) this.#centre(this.#revealed);
    else this.home();
  }

  fit(): void {
    this.#revealed = "";
    this.viewport.fit({ x: 0, y: 0, width: this.#placed.width, height: this.#placed.height });
  }

  /** Open what hides a layer or an edge, and bring it to the middle. */
  reveal(id: string): void {
    const scene = this.#scene;
    if (scene === null) return;
    const edge = scene.edges.get(id);
    const ends = edge ? [edge.source, edge.target] : scene.layers.has(id) ? [id] : [];
    const hiding = ends.flatMap((end) => scene.index.chain(end).slice(0, -1)).filter((group) => !this.#open.has(group));
    if (hiding.length) this.#setOpen([...this.#open, ...hiding]);
    this.#revealed = id;
    this.viewport.wasMoved = false;
    this.#centre(id);
  }

  /** Bring a layer, the end of an edge, or the closed group that hides it to the middle. */
  #centre(id: string): void {
    const edge = this.#scene?.edges.get(id);
    const end = edge?.target ?? id;
    if (!this.#scene?.layers.has(end)) return;
    const shown = this.#scene.index.chain(end).filter((each) => this.#nodes.has(each));
    const node = this.#nodes.get(shown[shown.length - 1] ?? "");
    if (node) this.viewport.centre(node.x + node.width / 2, node.y + Math.min(node.height, 60) / 2 - (edge ? 24 : 0));
  }

  select(id: string): void {
    this.#selection = id;
    this.#mark();
  }

  /** Dim what does not match; gives how many layers do. */
  search(query: string): string[] {
    this.#query = query.trim().toLowerCase();
    const found = [...(this.#scene?.layers.values() ?? [])].filter((layer) => this.#matches(layer.id, layer.type));
    this.#mark();
    return this.#query ? found.map((layer) => layer.id) : [];
  }

  #matches(id: string, type: string): boolean {
    return this.#query === "" || id.toLowerCase().includes(this.#query) || type.toLowerCase().includes(this.#query);
  }

  /** Dim the edges of a state, or show them again. */
  toggle(state: State): boolean {
    if (!this.#hidden.delete(state)) this.#hidden.add(state);
    this.#mark();
    return !this.#hidden.has(state);
  }

  openAll(isOpen: boolean): void {
    const groups = [...(this.#scene?.layers.values() ?? [])].filter((layer) => layer.kind === "group");
    this.#setOpen(isOpen ? groups.map((layer) => layer.id) : []);
    this.fit();
  }

  // -- open and close ------------------------------------------------------------------------------------------------

  #setOpen(groups: Iterable<string>): void {
    this.#open = new Set(groups);
    this.#events.open([...this.#open]);
    this.#draw();
  }

  /** The header that was clicked stays where it is on the screen. */
  #toggleGroup(id: string): void {
    this.viewport.wasMoved = true;
    const before = this.#nodes.get(id);
    const old = this.#nodes;
    this.#setOpen(this.#open.has(id) ? [...this.#open].filter((group) => group !== id) : [...this.#open, id]);
    const after = this.#nodes.get(id);
    if (before && after) {
      const middle = (node: PlacedNode): number => node.x + node.anchor;
      this.viewport.x += (middle(before) - middle(after)) * this.viewport.scale;
      this.viewport.y += (before.y - after.y) * this.viewport.scale;
      this.#transform();
      this.#animate(old, middle(before) - middle(after), before.y - after.y);
    }
    this.#focusOn(id);
  }

  #animate(old: ReadonlyMap<string, PlacedNode>, shiftX: number, shiftY: number): void {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    for (const element of this.#drawing.element.querySelectorAll<SVGGElement>("[data-layer]")) {
      const now = this.#nodes.get(element.dataset.layer ?? "");
      const before = now && old.get(now.id);
      if (!now) continue;
      const from = before
        ? { transform: `translate(${before.x - shiftX}px, ${before.y - shiftY}px)`, opacity: 1 }
        : { transform: `translate(${now.x}px, ${now.y - 12}px)`, opacity: 0 };
      element.animate([from, { transform: `translate(${now.x}px, ${now.y}px)`, opacity: 1 }], {
        duration: MOVE_MS,
        easing: "ease-out",
      });
    }
    for (const line of this.#drawing.element.querySelectorAll(".swg-edge, .swg-chip, .swg-badge, .swg-frame"))
      line.animate([{ opacity: 0 }, { opacity: 1 }], { duration: MOVE_MS, easing: "ease-in" });
  }

  // -- drawing -------------------------------------------------------------------------------------------------------

  #draw(): void {
    const scene = this.#scene;
    if (scene === null) return;
    this.#placed = layout(scene.index, this.#open, (id) => scene.size(id, this.#isOpen(id)), {}, this.#cache);
    this.#nodes = new Map(this.#placed.nodes.map((node) => [node.id, node]));
    const hadFocus = this.#drawing.element.contains(document.activeElement);
    this.#drawing.show(items(scene, this.#placed), this.viewport.shown());
    this.#mark();
    if (hadFocus) this.#focusOn(this.#focusTarget());
  }

  #isOpen(id: string): boolean {
    return this.#open.has(id) && (this.#scene?.index.children(id).length ?? 0) > 0;
  }

  #mark(): void {
    const marked = "[data-edge], [data-layer], [data-tensor]";
    const target = this.#focusTarget();
    for (const element of this.#drawing.element.querySelectorAll<SVGElement>(marked)) {
      const { edge, layer } = element.dataset;
      element.classList.toggle("swg-selected", this.#selection !== "" && this.#isSelected(element.dataset));
      if (layer !== undefined) {
        const type = this.#scene?.layers.get(layer)?.type ?? "";
        element.classList.toggle("swg-dim", !this.#matches(layer, type));
        element.classList.toggle("swg-found", this.#query !== "" && this.#matches(layer, type));
        element.setAttribute("tabindex", layer === target ? "0" : "-1");
      } else if (edge !== undefined) {
        const state = known(this.#scene?.edges.get(edge)?.state ?? "agree");
        element.classList.toggle("swg-dim", this.#hidden.has(state));
      }
    }
  }

  /** With an edge, the chip of its tensor and the badge at its end are selected too. */
  #isSelected({ layer, edge, tensor, at }: DOMStringMap): boolean {
    if (this.#selection === (edge ?? layer)) return true;
    const selected = this.#scene?.edges.get(this.#selection);
    if (selected === undefined) return false;
    if (tensor !== undefined) return tensor === String(selected.tensor);
    return at !== undefined && selected.badge !== "" && this.#scene?.index.chain(selected.target).includes(at) === true;
  }

  #transform(): void {
    const { x, y, scale } = this.viewport;
    this.#drawing.element.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    if (this.#drawing.isCulled && !this.#frame)
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#drawNear();
      });
  }

  /** What has come into view is drawn; what has left it is not. */
  #drawNear(): void {
    if (!this.#drawing.isCulled) return;
    this.#drawing.keepNear(this.viewport.shown());
    this.#mark();
  }

  #showHint(): void {
    this.#hint.classList.add("swg-on");
    clearTimeout(this.#hintTimer);
    this.#hintTimer = setTimeout(() => this.#hint.classList.remove("swg-on"), 1400);
  }

  dispose(): void {
    clearTimeout(this.#hintTimer);
    cancelAnimationFrame(this.#frame);
  }

  // -- pointer and keyboard ------------------------------------------------------------------------------------------

  #click(event: MouseEvent): void {
    if (this.viewport.wasDragged) return;
    const hit = event.target instanceof Element ? event.target.closest<SVGElement>("[data-layer], [data-edge]") : null;
    const { layer, edge } = hit?.dataset ?? {};
    if (layer !== undefined && this.#scene?.layers.get(layer)?.kind === "group") this.#toggleGroup(layer);
    if (layer !== undefined) this.#focusOn(layer);
    else this.#svg.focus({ preventScroll: true });
    this.#events.select(layer ?? edge ?? "");
  }

  /** The box that Tab leads to. */
  #focusTarget(): string {
    return this.#nodes.has(this.#focus) ? this.#focus : (this.#placed.nodes[0]?.id ?? "");
  }

  #focusOn(id: string): void {
    this.#focus = id;
    this.#drawNear();
    this.#mark();
    const element = [...this.#drawing.element.querySelectorAll<SVGElement>("[data-layer]")].find(
      (each) => each.dataset.layer === id,
    );
    element?.focus({ preventScroll: true });
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.#placed.nodes.findIndex((node) => node.id === this.#focusTarget());
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (step !== undefined) {
      const next = this.#neighbour(at, step);
      if (next) {
        this.viewport.centre(next.x + next.width / 2, next.y + 20, 0);
        this.#focusOn(next.id);
        this.#events.select(next.id);
      }
    } else if (event.key === "Enter" || event.key === " ") {
      const id = this.#focusTarget();
      if (this.#scene?.layers.get(id)?.kind === "group") this.#toggleGroup(id);
      this.#events.select(id);
    } else if (event.key === "+" || event.key === "-") {
      this.viewport.zoom(event.key === "+" ? 1.25 : 0.8);
    } else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
  }

  /** Down along the edges where there is one, else the next box in the order in which the layers ran. */
  #neighbour(at: number, step: number): PlacedNode | undefined {
    const here = this.#placed.nodes[at];
    if (here === undefined || this.#scene === null) return undefined;
    const edges = step > 0 ? this.#scene.outOf(here.id) : this.#scene.into(here.id);
    const ends = edges.flatMap((edge) => this.#scene?.index.chain(step > 0 ? edge.target : edge.source) ?? []);
    return (
      this.#placed.nodes.find((node) => ends.includes(node.id) && !node.isOpen && node.id !== here.id) ??
      this.#placed.nodes[at + step]
    );
  }
}
