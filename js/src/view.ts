/** One view of a model: puts the parts together, and keeps them in step with the traits. */

import { inflated, isBuffer } from "./buffers";
import type { WireGraph, WireViewState } from "./contract.gen";
import { h, on } from "./dom";
import { type HostModel, Traits } from "./model";
import bars from "./styles/bars.css";
import base from "./styles/base.css";
import graphStyles from "./styles/graph.css";
import panelStyles from "./styles/panel.css";
import shorthand from "./styles/shorthand.json";
import { watchTheme } from "./theme";
import { GraphFrame } from "./views/graph";
import { Legend } from "./views/legend";
import { MONO, SANS } from "./views/measure";
import { problemPanel, statusLine } from "./views/messages";
import { outline } from "./views/outline";
import { Panel } from "./views/panel";
import { download, png } from "./views/save";
import { Toolbar } from "./views/toolbar";

/** The build writes frequent words of the style sheets as one sign. */
const STYLES = Object.entries(shorthand).reduce(
  (text, [sign, word]) => text.replaceAll(sign, word),
  base + bars + graphStyles + panelStyles,
);
const NEEDED = { "data-lm-suppress-shortcuts": "true", role: "region", "aria-label": "Shape graph" };

export class View {
  readonly #traits: Traits;
  readonly #root = h("div", { class: "swg", style: `--sans:${SANS};--mono:${MONO}`, ...NEEDED });
  readonly #frame = new GraphFrame(this.#root, {
    select: (id) => this.#select(id),
    open: (groups) => this.#keep({ open: [...groups] }),
  });
  readonly #picture = this.#frame.picture;
  readonly #panel = new Panel((id) => this.#go(id));
  readonly #toolbar = new Toolbar({
    nextProblem: (step) => this.#nextProblem(step),
    search: (query, isDone) => this.#search(query, isDone),
    openAll: (isOpen) => this.#picture.openAll(isOpen),
    turn: () => this.#turn(),
    fit: () => this.#picture.fit(),
    zoom: (factor) => this.#frame.viewport.zoom(factor),
    fullScreen: () => void (document.fullscreenElement ? document.exitFullscreen() : this.#root.requestFullscreen()),
    save: (kind) => void this.#save(kind),
  });
  readonly #legend = new Legend({
    toggle: (kind) => this.#frame.toggle(kind),
    colourBy: (by) => this.#traits.set("colour_by", by),
    go: (id) => this.#go(id),
  });
  readonly #status = statusLine();
  readonly #problem = problemPanel(() => this.#problem.show(null));
  readonly #words = h("div");
  readonly #resized = new ResizeObserver(() => this.#picture.resized());
  readonly #endTheme: () => void;
  /** The graph as it came, and whether it is still being read. */
  #drawn: unknown = null;
  #isComing = false;
  /** What a person chose of the view. */
  #chosen: WireViewState;
  #telling: ReturnType<typeof setTimeout> | undefined;

  constructor(model: HostModel, place: HTMLElement) {
    this.#traits = new Traits(model);
    this.#chosen = this.#traits.get("view_state");
    this.#root.append(
      h("style", STYLES),
      this.#toolbar.element,
      this.#status.element,
      this.#problem.element,
      h("div.waiting", "Running the model once…"),
      h("div.main", this.#frame.element, this.#panel.element),
      this.#legend.element,
      this.#words,
    );
    place.append(this.#root);
    this.#listen();
    this.#endTheme = watchTheme(model, (theme) => this.#root.setAttribute("data-theme", theme));
    this.#resized.observe(this.#frame.element);
    this.#showGraph();
  }

  dispose(): void {
    this.#drawn = null;
    this.#resized.disconnect();
    this.#endTheme();
    clearTimeout(this.#telling);
    this.#frame.dispose();
    this.#traits.dispose();
    this.#root.remove();
  }

  // -- from the kernel, and from other views of the model --------------------------------------------------------------

  #listen(): void {
    const traits = this.#traits;
    traits.onChange(["graph", "tensors", "sizes"], () => {
      if (traits.get("graph") !== this.#drawn) this.#showGraph();
      else if (!this.#isComing) this.#showSizes();
    });
    traits.onChange(["view_state"], () => this.#follow());
    traits.onChange(["colour_by"], () => {
      this.#picture.colour(traits.get("colour_by"));
      this.#showLegend();
    });
    traits.onChange(["selection"], () => this.#showSelection());
    const shown = {
      status: () => this.#status.show(traits.get("status")),
      problem: () => this.#problem.show(traits.get("problem")),
      height: () => this.#root.style.setProperty("--height", `${traits.get("height")}px`),
    };
    for (const [name, show] of Object.entries(shown)) {
      traits.onChange([name as keyof typeof shown], show);
      show();
    }
    on(this.#root, "keydown", (event) => this.#key(event));
  }

  #showGraph(): void {
    const graph = this.#traits.get("graph");
    this.#drawn = graph;
    this.#isComing = isBuffer(graph);
    const isWaiting = graph === null || (this.#isComing && this.#picture.scene === null);
    this.#root.classList.toggle("swg-is-waiting", isWaiting);
    if (isBuffer(graph))
      void inflated(graph)
        .json()
        .then((read) => this.#drawn === graph && this.#draw(read as WireGraph));
    else if (graph) this.#draw(graph);
  }

  #draw(graph: WireGraph): void {
    const traits = this.#traits;
    this.#isComing = false;
    this.#root.classList.remove("swg-is-waiting");
    this.#chosen = traits.get("view_state");
    const { open, direction = "down" } = this.#chosen;
    this.#picture.show(graph, traits.get("tensors"), open, direction, traits.get("colour_by"));
    const { scene } = this.#picture;
    if (scene === null) return;
    this.#toolbar.show(scene);
    this.#showLegend();
    // It is long, and nobody waits for it.
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.#words.replaceChildren(outline(scene)));
    this.#showSelection();
  }

  #showSizes(): void {
    this.#picture.update(this.#traits.get("tensors"));
    this.#showSelection();
  }

  #showLegend(): void {
    if (this.#picture.scene) this.#legend.show(this.#picture.scene, this.#traits.get("colour_by"));
  }

  #showSelection(): void {
    const selection = this.#traits.get("selection");
    this.#frame.select(selection);
    if (this.#picture.scene) this.#panel.show(this.#picture.scene, selection, this.#traits.get("sizes"));
  }

  #follow(): void {
    if (this.#traits.isWaiting("view_state")) return;
    this.#chosen = this.#traits.get("view_state");
    const { open, direction = "down" } = this.#chosen;
    this.#picture.turn(direction);
    if (open !== null) this.#picture.follow(open);
  }

  // -- from a person -------------------------------------------------------------------------------------------------

  /** Tell the kernel what was chosen, once it has settled. */
  #keep(change: Partial<WireViewState>): void {
    this.#chosen = { ...this.#chosen, ...change };
    this.#traits.setLater("view_state", this.#chosen);
  }

  #select(id: string): void {
    this.#traits.set("selection", id);
  }

  #go(id: string): void {
    this.#select(id);
    if (id) this.#picture.reveal(id);
  }

  #nextProblem(step: 1 | -1): void {
    const problems = this.#picture.scene?.problems ?? [];
    const at = problems.findIndex(({ id }) => id === this.#traits.get("selection"));
    const next = problems[at < 0 ? 0 : (at + step + problems.length) % problems.length];
    if (next) this.#go(next.id);
  }

  #search(query: string, isDone: boolean): number {
    const found = this.#frame.search(query);
    const next = found[(found.indexOf(this.#traits.get("selection")) + 1) % found.length];
    if (next !== undefined && isDone) this.#go(next);
    else if (next !== undefined && found.length === 1) this.#picture.reveal(next);
    return found.length;
  }

  #turn(): void {
    this.#picture.turn(this.#picture.direction === "down" ? "right" : "down");
    this.#keep({ direction: this.#picture.direction });
  }

  async #save(kind: "svg" | "png"): Promise<void> {
    const svg = this.#picture.svg();
    const name = `${this.#picture.scene?.graph.title || "graph"}.${kind}`;
    download(name, kind === "png" ? await png(svg) : new Blob([svg], { type: "image/svg+xml" }));
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "n" || event.key === "p") this.#nextProblem(event.key === "n" ? 1 : -1);
    else if (event.key === "/") this.#toolbar.focusSearch();
    else if (event.key === "Escape") this.#go("");
    else if (!event.defaultPrevented) return;
    event.preventDefault();
    // A notebook has shortcuts of its own on the same keys.
    event.stopPropagation();
  }
}
