/** The widget that shows a plotly figure. */

import type { PlotViewTraits } from "./contract.gen";
import { h } from "./dom";
import { styledLayout } from "./plot-style";
import styles from "./plot-view.css";
import { type AskingModel, forget, type PlotElement, type Plotly, plotlyGiven, plotlyOfPage } from "./plotly-page";
import { type Shade, type ThemeModel, watchTheme } from "./theme";

type TraitEvent = `change:${keyof PlotViewTraits}`;

/** What anywidget hands to `render`. */
interface PlotModel extends AskingModel, ThemeModel {
  get<K extends keyof PlotViewTraits>(name: K): PlotViewTraits[K];
  set<K extends keyof PlotViewTraits>(name: K, value: PlotViewTraits[K]): void;
  save_changes(): void;
  on(event: TraitEvent | "msg:custom", callback: (...args: never[]) => void): void;
  off(event: TraitEvent | "msg:custom", callback: (...args: never[]) => void): void;
}

interface Figure {
  data?: unknown[];
  layout?: Record<string, unknown>;
}

const PATIENCE_MS = 20_000;
const CONFIG = {
  displayModeBar: "hover",
  displaylogo: false,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"],
  showSendToCloud: false,
  plotlyServerURL: "",
};

/** One plot on the page, from its first figure to `dispose`. */
class PlotView {
  readonly #model: PlotModel;
  readonly #end = new AbortController();
  readonly #plot: PlotElement = h("div", { role: "img" });
  readonly #note = h("div", { class: "swg-plot-note", role: "status" });
  readonly #root = h("div", { class: "swg-plot" }, h("style", styles), this.#plot, this.#note);
  readonly #sizes = new ResizeObserver(() => void this.#draw());
  readonly #unwatchTheme: () => void;
  readonly #listeners: [TraitEvent, () => void][] = [
    ["change:figure", () => this.#show()],
    ["change:label", () => this.#label()],
    ["change:height", () => this.#resize()],
  ];
  #plotly: Plotly | undefined;
  #loading: Promise<Plotly> | undefined;
  #shade: Shade = "light";

  constructor(model: PlotModel, parent: HTMLElement) {
    this.#model = model;
    parent.append(this.#root);
    this.#unwatchTheme = watchTheme(model, (shade) => {
      this.#shade = shade;
      this.#root.dataset.theme = shade;
      void this.#draw();
    });
    for (const [event, listener] of this.#listeners) model.on(event, listener);
    this.#label();
    this.#resize();
    this.#sizes.observe(this.#root);
    this.#show();
  }

  dispose(): void {
    this.#end.abort();
    this.#sizes.disconnect();
    this.#unwatchTheme();
    for (const [event, listener] of this.#listeners) this.#model.off(event, listener);
    this.#plotly?.purge(this.#plot);
    this.#root.remove();
  }

  #label(): void {
    this.#plot.setAttribute("aria-label", this.#model.get("label"));
  }

  #resize(): void {
    this.#root.style.height = `${this.#model.get("height")}px`;
  }

  #show(): void {
    if (this.#model.get("figure") === null) {
      this.#plotly?.purge(this.#plot);
      this.#note.replaceChildren("measuring…");
    } else if (this.#plotly) {
      void this.#draw();
    } else {
      void this.#load();
    }
  }

  async #load(): Promise<void> {
    if (this.#loading) return;
    const library = this.#model.get("library");
    const loading = library ? plotlyGiven(library) : plotlyOfPage(this.#model, this.#end.signal);
    this.#loading = loading;
    this.#note.replaceChildren("waiting for the kernel…");
    const overdue = setTimeout(() => {
      if (this.#loading === loading) this.#complain("The kernel has not answered yet. It may be busy.");
    }, PATIENCE_MS);
    try {
      this.#plotly = await loading;
    } catch (problem) {
      if (this.#loading !== loading) return;
      this.#loading = undefined;
      if (!isAbort(problem)) return this.#complain(messageOf(problem));
    } finally {
      clearTimeout(overdue);
    }
    if (!this.#end.signal.aborted) this.#show();
  }

  /** Draw the figure that the model has now, at the width that there is: none in a hidden tab. */
  async #draw(): Promise<void> {
    const figure = this.#model.get("figure") as Figure | null;
    const { clientWidth, clientHeight } = this.#root;
    if (!this.#plotly || !figure) return;
    if (clientWidth === 0) return this.#drawWhenShown();
    this.#note.replaceChildren();
    // plotly.js writes into what it is given, and the model's figure is not its own.
    const { data = [], layout = {} } = structuredClone(figure);
    try {
      const styled = styledLayout(layout, this.#shade, clientWidth, clientHeight);
      await this.#plotly.react(this.#plot, data, styled, CONFIG);
      this.#plot.removeAllListeners?.("plotly_click");
      this.#plot.on?.("plotly_click", ({ points }) => this.#select(points[0]?.customdata));
    } catch (problem) {
      this.#complain(messageOf(problem));
    }
  }

  #select(customdata: unknown): void {
    if (typeof customdata !== "string") return;
    this.#model.set("selection", customdata);
    this.#model.save_changes();
  }

  /**
   * JupyterLab hides the page for a moment while it changes its theme, too short for the observer to see a change of
   * size. What is observed anew is told of as soon as it has one.
   */
  #drawWhenShown(): void {
    this.#sizes.unobserve(this.#root);
    this.#sizes.observe(this.#root);
  }

  #complain(problem: string): void {
    const retry = h("button", { type: "button" }, "Try again");
    retry.addEventListener("click", () => this.#retry());
    this.#note.replaceChildren(h("span", `The plot cannot be drawn. ${problem}`), retry);
  }

  #retry(): void {
    if (this.#loading) forget(this.#loading);
    this.#loading = undefined;
    this.#show();
  }
}

/** By its name: an error of another widget is an object of another copy of this code. */
function isAbort(problem: unknown): boolean {
  return problem instanceof Error && problem.name === "AbortError";
}

function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}

export default {
  render({ model, el }: { model: PlotModel; el: HTMLElement }): () => void {
    const view = new PlotView(model, el);
    return () => view.dispose();
  },
};
