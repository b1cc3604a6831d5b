/** The panel beside the graph: the findings, or what is known of the selected layer or edge. */

import { known, signOf } from "../agreement";
import type { Severity, WireDeclared, WireEdge, WireFinding, WireLayer } from "../contract.gen";
import { button, h, prose } from "../dom";
import { findingOf, placeOf } from "../problems";
import type { Scene } from "../scene";
import { bytes, seconds } from "../units";
import { diff } from "./diff";

const KEYS = "n next problem · / find · arrows walk · 0 fit";

/** Draws into its element; `go` selects a layer or an edge. */
export class Panel {
  readonly element = h("aside.panel", { "aria-label": "Details" });
  readonly #go: (id: string) => void;

  constructor(go: (id: string) => void) {
    this.#go = go;
  }

  show(scene: Scene, selection: string, sizes: Readonly<Record<string, number>>): void {
    const layer = scene.layers.get(selection);
    const edge = scene.edges.get(selection);
    const finding = findingOf(selection, scene.graph.findings);
    const parts = layer
      ? this.#layer(scene, layer)
      : edge
        ? this.#edge(scene, edge)
        : finding
          ? [this.#back(), h("h3", finding.place), ...place(finding.source, ""), ...this.#finding(scene, finding)]
          : this.#overview(scene, sizes);
    this.element.replaceChildren(...parts);
    this.element.classList.toggle("swg-has-selection", Boolean(layer ?? edge ?? finding));
    this.element.scrollTop = 0;
  }

  // -- nothing selected ----------------------------------------------------------------------------------------------

  #overview(scene: Scene, sizes: Readonly<Record<string, number>>): Node[] {
    const { graph } = scene;
    const parts: Node[] = [];
    if (!graph.layers.length) parts.push(h("h3", "Nothing was recorded"));
    else if (!scene.problems.length)
      parts.push(
        h(
          "div.calm",
          h("b", "✓ All shapes agree"),
          ` on ${graph.edges.length === 1 ? "one line" : `all ${graph.edges.length} lines`}.`,
        ),
      );
    parts.push(...graph.findings.flatMap((finding, place) => (finding.again ? [] : this.#card(scene, finding, place))));
    if (graph.notice) parts.push(notice(...prose(graph.notice)));
    const rows = graph.symbols.map(({ name, value, meaning }) => [name, String(sizes[name] ?? value), meaning]);
    parts.push(...section("Sizes", rows), h("p.keys", "Click a layer or a line for its details.", h("br"), KEYS));
    return parts;
  }

  #card(scene: Scene, finding: WireFinding, place: number): HTMLElement {
    const target = placeOf(finding, place, (id) => scene.edges.has(id) || scene.layers.has(id));
    return button(
      { class: `swg-finding swg-is-${stateOf(scene, finding)}` },
      () => this.#go(target),
      h("span.title", headline(scene, finding)),
      h("span.place", finding.source ? `${finding.place} — ${finding.source}` : finding.place),
      h("span.reason", ...prose(finding.reason)),
      ...(finding.verified ? [h("span.verified", "✓ fix run, it holds")] : []),
    );
  }

  // -- a layer -------------------------------------------------------------------------------------------------------

  #layer(scene: Scene, layer: WireLayer): Node[] {
    const parts: Node[] = [
      this.#back(),
      h("h3", layer.name, h("span.kind", layer.type === layer.name ? "" : ` ${layer.type}`)),
    ];
    parts.push(...place(layer.source, layer.code));
    const fold = scene.folds.get(layer.id);
    if (fold) parts.push(notice(`${fold.members.length} blocks, each the same as `, this.#link(scene, fold.first.id)));
    const findings = scene.graph.findings.filter((finding) => finding.layer === layer.id);
    parts.push(...findings.flatMap((finding) => this.#finding(scene, finding)));
    if (!findings.length && layer.state === "unreached") parts.push(notice("The run ended before this layer."));
    if (layer.assumed) parts.push(notice("Behind a mismatch: these shapes are what they would be once it is mended."));
    parts.push(...tensors("Takes", scene, layer.inputs), ...tensors("Gives", scene, layer.outputs));
    parts.push(...section(layer.kind === "operation" ? "Arguments" : "Built with", layer.declared.map(declared)));
    const costs = [
      ["parameters", layer.parameters ? layer.parameters.toLocaleString("en") : ""],
      ["kept for backward", layer.memory === undefined ? "" : bytes(layer.memory)],
      ["forward pass", layer.time === undefined ? "" : seconds(layer.time)],
    ];
    return [
      ...parts,
      ...section(
        "Costs",
        costs.filter(([, value]) => value),
      ),
    ];
  }

  #finding(scene: Scene, finding: WireFinding): Node[] {
    const tick = finding.verified
      ? "✓ This fix was run on a copy of the model, and it holds."
      : "This fix was not run.";
    const fix = finding.patch ? diff(finding.patch) : h("pre.fix", finding.fix.replaceAll("`", ""));
    const parts: Node[] = [
      h(
        `div.banner.is-${stateOf(scene, finding)}`,
        { role: "note" },
        h("b", headline(scene, finding)),
        h("p", ...prose(finding.reason)),
      ),
    ];
    if (finding.code_line && !finding.patch) parts.push(...place(finding.source, finding.code_line));
    if (finding.fix) {
      const at = finding.patch && finding.source ? ` — ${finding.source}` : "";
      parts.push(h("h4", `Fix${at}`), fix);
      parts.push(h(finding.verified ? "p.verified" : "p.unverified", {}, tick));
    }
    return parts;
  }

  // -- an edge -------------------------------------------------------------------------------------------------------

  #edge(scene: Scene, edge: WireEdge): Node[] {
    const state = known(edge.state);
    const findings = scene.graph.findings.filter((finding) => finding.edges.includes(edge.id));
    const parts: Node[] = [
      this.#back(),
      h("h3", this.#link(scene, edge.source), h("span.kind", " → "), this.#link(scene, edge.target)),
    ];
    if (findings.length) parts.push(...findings.flatMap((finding) => this.#finding(scene, finding)));
    else if (edge.badge) parts.push(h(`div.banner.is-${state}`, h("b", `${signOf(state)} ${edge.badge}`)));
    if (edge.escaped) parts.push(notice("The value left the framework on the way."));
    if (edge.assumed) parts.push(notice("Behind a mismatch: this is the shape once it is mended."));
    parts.push(...tensors("Tensor", scene, [edge.tensor]));
    return parts;
  }

  #link(scene: Scene, id: string): HTMLElement {
    return button({ class: "swg-link" }, () => this.#go(id), scene.layers.get(id)?.name ?? id);
  }

  #back(): HTMLElement {
    return button({ class: "swg-back" }, () => this.#go(""), "‹ All findings");
  }
}

/** A note is drawn as what enters its layer, where that agrees by coincidence. */
function stateOf(scene: Scene, { severity, layer }: WireFinding): Severity {
  const isCoincidence = scene.into(layer).some((edge) => edge.state === "coincidence");
  return severity === "note" && isCoincidence ? "coincidence" : severity;
}

/** The title of a finding behind the sign of its state. */
function headline(scene: Scene, finding: WireFinding): string {
  const state = stateOf(scene, finding);
  return `${state === "note" ? "·" : signOf(state)} ${finding.title}`;
}

function place(source: string, code: string): Node[] {
  const parts: Node[] = [];
  if (source) parts.push(h("p.source", source));
  if (code) parts.push(h("pre.code", code));
  return parts;
}

function declared({ name, value, symbol }: WireDeclared): string[] {
  return [name, symbol && symbol !== name ? `${symbol} = ${value}` : value];
}

function tensors(title: string, scene: Scene, indices: readonly number[]): Node[] {
  const row = (index: number): string[] => [
    scene.symbolic(index),
    scene.numeric(index),
    scene.tensors[index]?.dtype ?? "",
  ];
  return section(title, indices.map(row));
}

/** A table under its title; nothing where it has no rows. */
function section(title: string, rows: readonly (readonly string[])[]): Node[] {
  const lines = rows.map((row) => h("tr", ...row.map((cell) => h("td", cell))));
  return lines.length ? [h("h4", title), h("table", h("tbody", ...lines))] : [];
}

function notice(...words: (Node | string)[]): HTMLElement {
  return h("p.notice", ...words);
}
