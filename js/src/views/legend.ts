/** The legend below the graph: what the lines say, how many there are, and a switch for each. */

import { counted, counts, STATES, signOf } from "../agreement";
import type { State, WireGraph } from "../contract.gen";
import { h, s } from "../dom";

/** One view's legend. */
export class Legend {
  readonly element = h("footer", { class: "swg-legend" });
  readonly #toggle: (state: State) => boolean;

  constructor(toggle: (state: State) => boolean) {
    this.#toggle = toggle;
  }

  show(graph: WireGraph): void {
    const found = counts(graph.edges);
    const layers = graph.layers.filter((layer) => layer.kind === "layer" || layer.kind === "operation").length;
    this.element.replaceChildren(
      ...STATES.filter((state) => found[state] > 0).map((state) => this.#entry(state, found[state])),
      ...(graph.edges.some((edge) => edge.assumed && edge.state !== "mismatch") ? [assumedHint()] : []),
      h("span", { class: "swg-space" }),
      h("span", { class: "swg-count" }, `${layers} layers on ${graph.device}`),
    );
  }

  #entry(state: State, count: number): HTMLButtonElement {
    const sample = s(
      "svg",
      { width: 26, height: 8, "aria-hidden": "true", class: `swg-sample swg-edge swg-is-${state}` },
      s("path", { class: "swg-line", d: "M1 4H25" }),
    );
    const entry = h(
      "button",
      { type: "button", "aria-pressed": "true" },
      sample,
      `${signOf(state)} ${counted(state, count)}`,
    );
    entry.addEventListener("click", () => entry.setAttribute("aria-pressed", String(this.#toggle(state))));
    return entry;
  }
}

function assumedHint(): HTMLElement {
  const sample = s(
    "svg",
    { width: 30, height: 10, "aria-hidden": "true", class: "swg-sample swg-edge swg-assumed" },
    s("path", { class: "swg-line", d: "M1 5H20" }),
    s("path", { class: "swg-arrow", d: "M29 5L20 1V9Z" }),
  );
  return h("span", { class: "swg-assumed-hint" }, sample, "behind a mismatch");
}
