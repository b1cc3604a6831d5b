/** The legend below the graph: what the colours say, how often, and a switch for each. */

import { counted, counts, STATES, signOf } from "../agreement";
import { COLOURINGS } from "../colouring";
import type { ColourBy, State } from "../contract.gen";
import { button, h, on, s } from "../dom";
import type { Scene } from "../scene";

export interface LegendActions {
  /** Switches a state or a tone off or on; gives whether it is on. */
  toggle(kind: string): boolean;
  colourBy(by: ColourBy): void;
  go(id: string): void;
}

/** One view's legend. */
export class Legend {
  readonly element: HTMLElement;
  readonly #actions: LegendActions;
  readonly #by = h("select", { "aria-label": "Colour by" });
  readonly #entries = h("div.keys-of-legend");
  readonly #count = h("span.count");

  constructor(actions: LegendActions) {
    this.#actions = actions;
    for (const by of COLOURINGS) this.#by.append(h("option", by));
    on(this.#by, "change", () => actions.colourBy(this.#by.value as ColourBy));
    const label = h("label.by", h("span", "Colour by"), this.#by);
    this.element = h("div.legend", { role: "group", "aria-label": "Legend" }, label, this.#entries, this.#count);
  }

  show(scene: Scene, by: ColourBy): void {
    const { graph, colouring } = scene;
    const layers = graph.layers.filter((layer) => layer.kind === "layer" || layer.kind === "operation").length;
    this.#by.value = by;
    this.#count.textContent = `${layers} ${layers === 1 ? "layer" : "layers"} on ${graph.device}`;
    this.#entries.replaceChildren(...(by === "agreement" ? this.#states(scene) : []));
    if (colouring.title) this.#entries.append(h("span.scale-title", colouring.title));
    for (const { tone, label } of colouring.legend) {
      const sample = h("i.swatch", { style: `background:var(--${tone})` });
      this.#entries.append(this.#entry(tone, sample, label));
    }
  }

  #states({ graph, problems, edges }: Scene): Node[] {
    const found = counts(graph.edges);
    const parts: Node[] = STATES.filter((state) => found[state] > 0).map((state) =>
      this.#entry(state, line(state), `${signOf(state)} ${counted(state, found[state])}`),
    );
    const others = problems.filter(({ id }) => !edges.has(id));
    if (others[0]) {
      const { id, state } = others[0];
      parts.push(button({}, () => this.#actions.go(id), `${signOf(state)} ${others.length} without a line`));
    }
    if (graph.edges.some((edge) => edge.assumed && edge.state !== "mismatch"))
      parts.push(h("span.key", line("agree", ".assumed"), "behind a mismatch"));
    if (graph.edges.some((edge) => edge.escaped))
      parts.push(h("span.key", line("agree", ".escaped"), "left the framework"));
    return parts;
  }

  #entry(kind: string, sample: Node, words: string): HTMLButtonElement {
    const toggle = (): void => entry.setAttribute("aria-pressed", String(this.#actions.toggle(kind)));
    const entry = button({ "aria-pressed": "true" }, toggle, sample, words);
    return entry;
  }
}

/** A piece of a line as the graph draws it. */
function line(state: State, flag = ""): SVGSVGElement {
  return s(
    `svg.sample.edge.is-${state}${flag}`,
    { width: 30, height: 10, "aria-hidden": "true" },
    s("path.line", { d: flag ? "M1 5H20" : "M1 5H29" }),
    ...(flag ? [s("path.arrow", { d: "M29 5L20 1V9Z" })] : []),
  );
}
