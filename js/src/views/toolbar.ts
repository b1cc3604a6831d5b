/** The bar above the graph: its name, its problems, search, and what moves the picture. */

import { counted } from "../agreement";
import type { WireGraph } from "../contract.gen";
import { button, h } from "../dom";
import type { Scene } from "../scene";

export interface ToolbarActions {
  nextProblem(step: 1 | -1): void;
  search(query: string): number;
  openAll(isOpen: boolean): void;
  fit(): void;
  zoom(factor: number): void;
}

/** One view's bar. */
export class Toolbar {
  readonly element: HTMLElement;
  readonly #title = h("b", { class: "swg-model" });
  readonly #problems: HTMLButtonElement;
  readonly #search = h("input", { type: "search", placeholder: "Find a layer  /", "aria-label": "Find a layer" });
  readonly #found = h("span", { class: "swg-found-count", "aria-live": "polite" });

  constructor(actions: ToolbarActions) {
    this.#problems = button("Go to the next problem", "", () => actions.nextProblem(1), "swg-problems");
    this.#search.addEventListener("input", () => {
      const count = actions.search(this.#search.value);
      this.#found.textContent = this.#search.value.trim() ? `${count} found` : "";
    });
    this.#search.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") {
        this.#search.value = "";
        this.#search.dispatchEvent(new Event("input"));
        this.#search.blur();
      }
    });
    this.element = h(
      "header",
      { class: "swg-bar" },
      this.#title,
      this.#problems,
      this.#search,
      this.#found,
      h("span", { class: "swg-space" }),
      button("Open all groups", "Open all", () => actions.openAll(true), "swg-optional"),
      button("Close all groups", "Close all", () => actions.openAll(false), "swg-optional"),
      button("Fit the graph into the view", "Fit", () => actions.fit()),
      button("Zoom out", "−", () => actions.zoom(0.8), "swg-square"),
      button("Zoom in", "+", () => actions.zoom(1.25), "swg-square"),
    );
  }

  show(graph: WireGraph, scene: Scene): void {
    this.#title.textContent = graph.title;
    const problems = scene.problems();
    const mismatches = problems.filter((edge) => edge.state === "mismatch").length;
    const [state, sign, count] = mismatches
      ? (["mismatch", "✕", mismatches] as const)
      : (["coincidence", "≈", problems.length] as const);
    this.#problems.hidden = count === 0;
    this.#problems.textContent = `${sign} ${counted(state, count)}`;
    this.#problems.className = `swg-problems swg-is-${state}`;
  }

  focusSearch(): void {
    this.#search.focus();
    this.#search.select();
  }
}
