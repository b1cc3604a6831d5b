/** The picture of the graph: lays out what is open, draws it, and answers to pointer and keyboard. */

import { known, STATES, worst } from "../agreement";
import type { State, WireEdge, WireGraph, WireTensor } from "../contract.gen";
import { h, s } from "../dom";
import { type Layout, LayoutCache, layout, type PlacedEdge, type PlacedNode } from "../layout/index";
import { BADGE_HEIGHT, HEADER_HEIGHT, Scene } from "../scene";
import * as boxes from "./boxes";
import { arrowPath, linePath } from "./lines";
import { measurer } from "./measure";
import { Viewport } from "./viewport";

const MOVE_MS = 220;
/** The scale below which texts are too small to be read. */
const READABLE = 0.75;
const ARROW: Record<State, number> = { mismatch: 12, coincidence: 9, unreached: 6, agree: 7 };

export interface GraphEvents {
  select(id: string): void;
  open(groups: readonly string[]): void;
}

/** One view's picture. `show` takes a new graph, `update` new sizes of the same one. */
export class GraphPicture {
  readonly element: HTMLElement;
  readonly viewport: Viewport;
  readonly #svg = s("svg", { class: "swg-svg", role: "application", tabindex: -1, "aria-label": "Layer graph" });
  readonly #world = s("g", { class: "swg-world" });
  readonly #hint = h("div", { class: "swg-hint", "aria-hidden": "true" }, "Click the graph to zoom with the wheel");
  readonly #measure = measurer();
  readonly #cache = new LayoutCache();
  readonly #events: GraphEvents;
  readonly #hidden = new Set<State>();
  #scene: Scene | null = null;
  #open = new Set<string>();
  #placed: Layout = { nodes: [], edges: [], width: 0, height: 0 };
  #selection = "";
  #query = "";
  #focus = "";
  #hintTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(root: HTMLElement, events: GraphEvents) {
    this.#events = events;
    this.#svg.append(this.#world);
    this.element = h("div", { class: "swg-view" }, this.#svg, this.#hint);
    this.viewport = new Viewport(
      this.#svg,
      root,
      () => this.#transform(),
      () => this.#showHint(),
    );
    this.#svg.addEventListener("click", (event) => this.#click(event));
    this.#svg.addEventListener("dblclick", () => this.fit());
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
    if (chosen !== null) this.#open = new Set(chosen.filter((id) => this.#scene?.layers.get(id)?.kind === "group"));
    else if (isFirst) this.#open = this.#scene.firstOpen();
    this.#draw();
    if (isFirst) this.home();
  }

  /** New sizes of the same tensors. */
  update(tensors: readonly WireTensor[]): void {
    if (this.#scene === null) return;
    this.#scene.tensors = tensors;
    this.#draw();
  }

  /** The first problem in the middle, or else the whole graph, or its beginning where all of it would be too small. */
  home(): void {
    const problem = this.#scene?.problems()[0];
    this.fit();
    if (this.viewport.scale >= READABLE) return;
    if (problem !== undefined) this.reveal(problem.id);
    else this.viewport.startAt(this.#mainLine(), READABLE);
  }

  /** The x at which the data enters. */
  #mainLine(): number {
    const first = this.#placed.nodes[0];
    return first ? first.x + first.anchor : 0;
  }

  /** As `home`, unless a person has moved the picture since. */
  resized(): void {
    if (!this.viewport.wasMoved) this.home();
  }

  fit(): void {
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
    const target = this.#placed.nodes.find((node) => node.id === (edge?.target ?? id));
    if (target)
      this.viewport.centre(target.x + target.width / 2, target.y + Math.min(target.height, 60) / 2 - (edge ? 24 : 0));
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
    const before = this.#placed.nodes.find((node) => node.id === id);
    const old = new Map(this.#placed.nodes.map((node) => [node.id, node]));
    this.#setOpen(this.#open.has(id) ? [...this.#open].filter((group) => group !== id) : [...this.#open, id]);
    const after = this.#placed.nodes.find((node) => node.id === id);
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
    for (const element of this.#world.querySelectorAll<SVGGElement>("[data-layer]")) {
      const now = this.#placed.nodes.find((node) => node.id === element.dataset.layer);
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
    for (const line of this.#world.querySelectorAll(".swg-edge, .swg-chip, .swg-badge, .swg-frame"))
      line.animate([{ opacity: 0 }, { opacity: 1 }], { duration: MOVE_MS, easing: "ease-in" });
  }

  // -- drawing -------------------------------------------------------------------------------------------------------

  #draw(): void {
    const scene = this.#scene;
    if (scene === null) return;
    this.#placed = layout(scene.index, this.#open, (id) => scene.size(id, this.#isOpen(id)), {}, this.#cache);
    const frames: SVGElement[] = [];
    const lines: SVGElement[] = [];
    const nodes: SVGElement[] = [];
    const labels: SVGElement[] = [];
    const entries = new Map<string, number>();
    for (const edge of [...this.#placed.edges].sort((a, b) => this.#rank(b) - this.#rank(a))) {
      lines.push(this.#line(scene, edge));
      const end = edge.points[edge.points.length - 1];
      if (!edge.toPort && end) for (const id of edge.ids) entries.set(id, end.x);
    }
    for (const node of this.#placed.nodes) {
      const layer = scene.layers.get(node.id);
      if (layer === undefined) continue;
      if (node.isOpen) {
        frames.push(boxes.frame(layer, node, scene.trouble(node.id).state));
        nodes.push(boxes.header(scene, layer, node));
        continue;
      }
      nodes.push(boxes.box(scene, layer, node));
      const chip = scene.chip(node.id);
      if (chip) labels.push(boxes.chip(chip, node.x + node.anchor, node.y + node.height + 7, scene.tensors));
      for (const edge of scene.into(node.id).filter((each) => each.badge)) {
        const x = entries.get(edge.id) ?? node.x + node.anchor;
        labels.push(boxes.badge(scene, edge, x, node.y - BADGE_HEIGHT - 19));
      }
    }
    this.#world.replaceChildren(...frames, ...lines, ...nodes, ...labels);
    this.#mark();
  }

  #isOpen(id: string): boolean {
    return this.#open.has(id) && (this.#scene?.index.children(id).length ?? 0) > 0;
  }

  #rank(edge: PlacedEdge): number {
    return STATES.indexOf(this.#stateOf(edge));
  }

  #stateOf(edge: PlacedEdge): State {
    return worst(edge.ids.map((id) => this.#scene?.edges.get(id)?.state ?? "agree"));
  }

  #line(scene: Scene, placed: PlacedEdge): SVGGElement {
    const carried = placed.ids.map((id) => scene.edges.get(id)).filter((edge): edge is WireEdge => edge !== undefined);
    const state = this.#stateOf(placed);
    const shown = carried.find((edge) => known(edge.state) === state);
    const flags = `${carried.every((edge) => edge.assumed) ? " swg-assumed" : ""}${shown?.escaped ? " swg-escaped" : ""}`;
    const path = linePath(placed);
    const group = s(
      "g",
      { class: `swg-edge swg-is-${state}${flags}`, "data-edge": shown?.id, "data-state": state },
      s(
        "title",
        {},
        shown
          ? `${shown.source} → ${shown.target}\n${scene.symbolic(shown.tensor)}\n${scene.numeric(shown.tensor)}`
          : "",
      ),
      s("path", { class: "swg-line", d: path }),
      s("path", { class: "swg-hit", d: path }),
    );
    if (!placed.toPort) group.append(s("path", { class: "swg-arrow", d: arrowPath(placed.points, ARROW[state]) }));
    const port = placed.fromPort ? placed.points[0] : undefined;
    if (port) group.append(s("circle", { class: "swg-port", cx: port.x, cy: port.y + HEADER_HEIGHT, r: 3.5 }));
    return group;
  }

  #mark(): void {
    for (const element of this.#world.querySelectorAll<SVGElement>("[data-edge], [data-layer]")) {
      const { edge, layer } = element.dataset;
      element.classList.toggle("swg-selected", this.#selection !== "" && this.#selection === (edge ?? layer));
      if (layer !== undefined) {
        const type = this.#scene?.layers.get(layer)?.type ?? "";
        element.classList.toggle("swg-dim", !this.#matches(layer, type));
        element.classList.toggle("swg-found", this.#query !== "" && this.#matches(layer, type));
        element.setAttribute("tabindex", layer === this.#focusTarget() ? "0" : "-1");
      } else if (edge !== undefined) {
        const state = known(this.#scene?.edges.get(edge)?.state ?? "agree");
        element.classList.toggle("swg-dim", this.#hidden.has(state));
      }
    }
  }

  #transform(): void {
    const { x, y, scale } = this.viewport;
    this.#world.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
  }

  #showHint(): void {
    this.#hint.classList.add("swg-on");
    clearTimeout(this.#hintTimer);
    this.#hintTimer = setTimeout(() => this.#hint.classList.remove("swg-on"), 1400);
  }

  dispose(): void {
    clearTimeout(this.#hintTimer);
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

  #focusTarget(): string {
    const isShown = this.#placed.nodes.some((node) => node.id === this.#focus);
    return isShown ? this.#focus : (this.#placed.nodes[0]?.id ?? "");
  }

  #focusOn(id: string): void {
    this.#focus = id;
    this.#mark();
    const element = [...this.#world.querySelectorAll<SVGElement>("[data-layer]")].find(
      (each) => each.dataset.layer === id,
    );
    element?.focus({ preventScroll: true });
  }

  #key(event: KeyboardEvent): void {
    const at = this.#placed.nodes.findIndex((node) => node.id === this.#focusTarget());
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (step !== undefined) {
      const next = this.#neighbour(at, step);
      if (next) {
        this.#focusOn(next.id);
        this.viewport.centre(next.x + next.width / 2, next.y + 20, 0);
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
