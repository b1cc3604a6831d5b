/** A graph and what has to be looked up in it again and again. No DOM. */

import { known, STATES, worst } from "./agreement";
import { type Colouring, PLAIN } from "./colouring";
import type { State, WireEdge, WireGraph, WireLayer, WireTensor } from "./contract.gen";
import { type Fold, folded } from "./folding";
import { tuple } from "./labels";
import { GraphIndex } from "./layout/index";
import { beside, type Problem, problems } from "./problems";

/** Width of a text in CSS pixels. */
export type Measure = (text: string, font: Font) => number;
export type Font = "bold" | "plain" | "mono" | "small";

const OPEN_LIMIT = 40;

/** A graph and the indices that drawing it needs. */
export class Scene {
  readonly graph: WireGraph;
  readonly index: GraphIndex;
  /** The layers in execution order, with a group for every run of equal blocks. */
  readonly layers = new Map<string, WireLayer>();
  readonly folds: ReadonlyMap<string, Fold>;
  readonly edges = new Map<string, WireEdge>();
  readonly measure: Measure;
  /** Edges in trouble and findings without an edge, in the order in which one goes through them. */
  readonly problems: readonly Problem[];
  readonly #into = new Map<string, WireEdge[]>();
  readonly #outOf = new Map<string, WireEdge[]>();
  /** The states of findings at or in a layer that no edge shows. */
  readonly #found = new Map<string, State[]>();
  tensors: readonly WireTensor[];
  colouring: Colouring = PLAIN;

  constructor(graph: WireGraph, tensors: readonly WireTensor[], measure: Measure) {
    this.graph = graph;
    this.tensors = tensors;
    this.measure = measure;
    const { layers, folds } = folded(graph, (tensor) => this.symbolic(tensor));
    this.folds = folds;
    for (const layer of layers) this.layers.set(layer.id, layer);
    const drawn = graph.edges.filter((edge) => this.layers.has(edge.source) && this.layers.has(edge.target));
    this.index = new GraphIndex(
      layers.map(({ id, parent, kind }) => ({
        id,
        parent: parent !== null && this.layers.has(parent) ? parent : null,
        isGroup: kind === "group",
      })),
      drawn.map(({ id, source, target, tensor }) => ({ id, source, target, tensor: String(tensor) })),
    );
    for (const edge of drawn) {
      this.edges.set(edge.id, edge);
      for (const id of this.index.chain(edge.target)) push(this.#into, id, edge);
      for (const id of this.index.chain(edge.source)) push(this.#outOf, id, edge);
    }
    const others = beside(graph.findings, (id) => this.edges.has(id) || this.layers.has(id));
    this.problems = problems(this.edges.values(), others);
    for (const { id, state } of others)
      if (this.layers.has(id)) for (const each of this.index.chain(id)) push(this.#found, each, state);
  }

  /** Edges that enter a layer, or a group from outside it. */
  into(id: string): WireEdge[] {
    return (this.#into.get(id) ?? []).filter(
      (edge) => !this.index.chain(edge.source).includes(id) || edge.source === id,
    );
  }

  /** Edges that leave a layer, or a group to outside it. */
  outOf(id: string): WireEdge[] {
    return (this.#outOf.get(id) ?? []).filter(
      (edge) => !this.index.chain(edge.target).includes(id) || edge.target === id,
    );
  }

  /** The worst state in or at a box; of a group also how many edges and findings have it. */
  trouble(id: string): { state: State; count: number } {
    const layer = this.layers.get(id);
    const isGroup = layer?.kind === "group";
    const own = isGroup
      ? (this.#into.get(id) ?? []).map((edge) => known(edge.state))
      : [known(layer?.state ?? "agree")];
    const states = [...own, ...(this.#found.get(id) ?? [])];
    const state = worst(states);
    return { state, count: isGroup ? states.filter((each) => each === state).length : 0 };
  }

  /** The layers on both ends of a problem or a layer itself: what has to be in view for it to be seen. */
  ends(id: string): string[] {
    const edge = this.edges.get(id);
    return edge ? [edge.source, edge.target] : this.layers.has(id) ? [id] : [];
  }

  /** The groups that hold an edge or a layer, outermost first. */
  around(id: string): string[] {
    return this.ends(id).flatMap((end) => this.index.chain(end).slice(0, -1));
  }

  /**
   * Groups on the way to every problem, then further ones while the picture stays small. Of equal blocks the first is
   * enough.
   */
  firstOpen(): Set<string> {
    const open = new Set<string>();
    for (const { id } of this.problems) {
      const groups = this.around(id);
      if (!groups.some((group) => this.folds.has(group))) for (const group of groups) open.add(group);
    }
    let shown = this.#shown(null, open);
    const waiting = [...this.index.children(null)];
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      if (this.layers.get(id)?.kind !== "group" || this.folds.has(id)) continue;
      const inside = this.index.children(id).length;
      if (!open.has(id) && shown + inside <= OPEN_LIMIT && this.trouble(id).state !== "unreached") {
        open.add(id);
        shown += inside;
      }
      if (open.has(id)) waiting.push(...this.index.children(id));
    }
    return open;
  }

  #shown(id: string | null, open: ReadonlySet<string>): number {
    const children = this.index.children(id);
    return children.reduce((sum, child) => sum + 1 + (open.has(child) ? this.#shown(child, open) : 0), 0);
  }

  /** An expression for every axis of a tensor; its size where it is not solved. */
  axes(tensor: number): readonly string[] {
    const { shape, symbols } = this.tensors[tensor] ?? { shape: [], symbols: [] };
    return symbols.length === shape.length ? symbols : shape.map(String);
  }

  /** Whether the symbols of a tensor say more than its sizes. */
  isSolved(tensor: number): boolean {
    return (this.tensors[tensor]?.symbols.length ?? 0) > 0;
  }

  symbolic(tensor: number): string {
    return this.tensors[tensor] === undefined ? "?" : tuple(this.axes(tensor));
  }

  numeric(tensor: number): string {
    const found = this.tensors[tensor];
    if (found === undefined) return "?";
    return found.shape.map((size) => (size < 0 ? "?" : size)).join(" × ") || "scalar"; // below 0: known once it runs
  }
}

/** From the quietest state to the worst: what is drawn last lies on top. */
export function byWeight(one: { readonly state: State }, other: { readonly state: State }): number {
  return STATES.indexOf(other.state) - STATES.indexOf(one.state);
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
