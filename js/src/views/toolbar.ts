/** The bar above the graph: its name, its problems, search, and what moves the picture. */

import { counted, signOf } from "../agreement";
import { button, h, icon, on, signButton } from "../dom";
import type { Scene } from "../scene";

export interface ToolbarActions {
  nextProblem(step: 1 | -1): void;
  /** Gives how many layers were found; `isDone` goes to the next of them. */
  search(query: string, isDone: boolean): number;
  openAll(isOpen: boolean): void;
  turn(): void;
  fit(): void;
  zoom(factor: number): void;
  fullScreen(): void;
  save(kind: "svg" | "png"): void;
}

const SIGNS = {
  fit: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
  out: "M3 8h10",
  in: "M3 8h10M8 3v10",
  full: "M9.5 6.5 14 2M10 2h4v4M6.5 9.5 2 14M6 14H2v-4",
  more: "M3 8h.01M8 8h.01M13 8h.01",
};

/** One view's bar. */
export class Toolbar {
  readonly element: HTMLElement;
  readonly #title = h("b.model");
  readonly #problems: HTMLButtonElement;
  readonly #search = h("input", { type: "search", placeholder: "Find a layer  /", "aria-label": "Find a layer" });
  readonly #found = h("span.found-count", { "aria-live": "polite" });
  readonly #menu: HTMLDetailsElement;

  constructor(actions: ToolbarActions) {
    this.#problems = signButton("Go to the next problem", "", () => actions.nextProblem(1), "swg-problems");
    const search = (isDone: boolean): void => {
      const count = actions.search(this.#search.value, isDone);
      this.#found.textContent = this.#search.value.trim() ? `${count} found` : "";
    };
    on(this.#search, "input", () => search(false));
    on(this.#search, "keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") search(true);
      if (event.key !== "Escape") return;
      this.#search.value = "";
      search(false);
      this.#search.blur();
    });
    this.#menu = menu(
      ["Open all groups", () => actions.openAll(true)],
      ["Close all groups", () => actions.openAll(false)],
      ["Turn the graph", () => actions.turn()],
      ["Save as SVG", () => actions.save("svg")],
      ["Save as PNG", () => actions.save("png")],
    );
    const square = (label: string, sign: keyof typeof SIGNS, act: () => void, className = ""): HTMLButtonElement =>
      signButton(label, icon(SIGNS[sign]), act, `swg-square ${className}`);
    this.element = h(
      "div.bar",
      { role: "group", "aria-label": "View of the graph" },
      this.#title,
      this.#problems,
      this.#search,
      this.#found,
      h("span.space"),
      square("Fit the graph into the view", "fit", () => actions.fit()),
      square("Zoom out", "out", () => actions.zoom(0.8), "swg-optional"),
      square("Zoom in", "in", () => actions.zoom(1.25), "swg-optional"),
      ...(document.fullscreenEnabled ? [square("Full screen", "full", () => actions.fullScreen())] : []),
      this.#menu,
    );
  }

  show(scene: Scene): void {
    this.#title.textContent = scene.graph.title;
    this.#title.title = scene.graph.title;
    const state = scene.problems[0]?.state ?? "agree";
    const count = scene.problems.filter((problem) => problem.state === state).length;
    this.#problems.hidden = count === 0;
    this.#problems.textContent = `${signOf(state)} ${counted(state, count)}`;
    this.#problems.className = `swg-problems swg-is-${state}`;
  }

  focusSearch(): void {
    this.#search.focus();
    this.#search.select();
  }
}

/** Less frequent actions, behind three dots; closes when something else gets the focus. */
function menu(...entries: readonly (readonly [string, () => void])[]): HTMLDetailsElement {
  const list = h("div.entries");
  const element = h(
    "details.menu",
    h("summary.square", { "aria-label": "More", title: "More" }, icon(SIGNS.more)),
    list,
  );
  for (const [label, act] of entries) {
    const choose = (): void => {
      element.open = false;
      act();
    };
    list.append(button({}, choose, label));
  }
  on(element, "focusout", ({ relatedTarget }) => {
    if (!(relatedTarget instanceof Node && element.contains(relatedTarget))) element.open = false;
  });
  on(element, "keydown", (event) => {
    if (event.key !== "Escape" || !element.open) return;
    event.stopPropagation();
    element.open = false;
    element.querySelector("summary")?.focus();
  });
  return element;
}
