/** What is to be seen of a graph when some groups are open: sizes of boxes, chips, badges. No DOM. */

import { known, signOf, worst } from "./agreement";
import type { State, WireEdge, WireGraph, WireLayer, WireTensor } from "./contract.gen";
import { GraphIndex } from "./layout/index";
import type { NodeSize } from "./layout/types";
import { shortArguments, shortBadge, shortName } from "./texts";

/** Width of a text in CSS pixels. */
export type Measure = (text: string, font: Font) => number;
export type Font = "bold" | "plain" | "mono" | "small";

export interface Chip {
  readonly tensor: number;
  /** An expression for every axis; its size where it is not solved. */
  readonly axes: readonly string[];
  /** The axes as a tuple. */
  readonly symbols: string;
  readonly sizes: string;
  /** The axis that clashes further down, null for none. */
  readonly axis: number | null;
  readonly state: State;
  readonly width: number;
}

export const CHIP_HEIGHT = 32;
export const BADGE_HEIGHT = 20;
const CHIP_ROOM = 46;
const BADGE_ROOM = 42;
const CARD_HEIGHT = 44;
const PILL_HEIGHT = 28;
export const HEADER_HEIGHT = 32;
const OPEN_LIMIT = 40;

/** A graph and the indices that drawing it needs. */
export class Scene {
  readonly graph: WireGraph;
  readonly index: GraphIndex;
  readonly layers = new Map<string, WireLayer>();
  readonly edges = new Map<string, WireEdge>();
  readonly #into = new Map<string, WireEdge[]>();
  readonly #outOf = new Map<string, WireEdge[]>();
  readonly #measure: Measure;
  tensors: readonly WireTensor[];

  constructor(graph: WireGraph, tensors: readonly WireTensor[], measure: Measure) {
    this.graph = graph;
    this.tensors = tensors;
    this.#measure = measure;
    for (const layer of graph.layers) this.layers.set(layer.id, layer);
    const drawn = graph.edges.filter((edge) => this.layers.has(edge.source) && this.layers.has(edge.target));
    this.index = new GraphIndex(
      graph.layers.map(({ id, parent, kind }) => ({
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

  /** The worst state in or at a box, and how many edges have it: what a closed group shows. */
  trouble(id: string): { state: State; count: number } {
    const edges = this.#into.get(id) ?? [];
    const state = worst(edges.map((edge) => edge.state));
    return { state, count: edges.filter((edge) => known(edge.state) === state).length };
  }

  /** Edges that are no plain agreement, the worst first, each state in the order in which the layers ran. */
  problems(): WireEdge[] {
    const order = [...this.edges.values()].filter((edge) => ["mismatch", "coincidence"].includes(known(edge.state)));
    return [...order.filter((edge) => edge.state === "mismatch"), ...order.filter((edge) => edge.state !== "mismatch")];
  }

  /** Groups on the way to every problem, then further ones while the picture stays small. */
  firstOpen(): Set<string> {
    const open = new Set<string>();
    for (const edge of this.problems())
      for (const end of [edge.source, edge.target]) for (const id of this.index.chain(end).slice(0, -1)) open.add(id);
    let shown = this.#shown(null, open);
    const waiting = [...this.index.children(null)];
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      if (this.layers.get(id)?.kind !== "group") continue;
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

  symbolic(tensor: number): string {
    return this.tensors[tensor] === undefined ? "?" : tuple(this.#axes(tensor));
  }

  #axes(tensor: number): readonly string[] {
    const { shape, symbols } = this.tensors[tensor] ?? { shape: [], symbols: [] };
    return symbols.length === shape.length ? symbols : shape.map(String);
  }

  numeric(tensor: number): string {
    const found = this.tensors[tensor];
    return found === undefined ? "?" : found.shape.length ? found.shape.join(" × ") : "scalar";
  }

  /** The shape that is printed below a box: once a tensor, where it changes or where there is trouble. */
  chip(id: string): Chip | null {
    const layer = this.layers.get(id);
    if (layer === undefined || layer.kind === "output") return null;
    const leaving = this.outOf(id);
    const clashing = leaving.find((edge) => ["mismatch", "coincidence"].includes(known(edge.state)));
    const first = leaving.reduce<WireEdge | undefined>(
      (best, edge) => (best === undefined || edge.tensor < best.tensor ? edge : best),
      undefined,
    );
    const tensor = (clashing ?? first)?.tensor ?? layer.outputs[0];
    if (tensor === undefined) return null;
    const isNews =
      clashing !== undefined ||
      layer.kind === "input" ||
      !layer.inputs.some((input) => this.symbolic(input) === this.symbolic(tensor));
    if (!isNews) return null;
    const axes = this.#axes(tensor).map((axis) => shortName(axis));
    const symbols = tuple(axes);
    const sizes = this.numeric(tensor);
    const isSymbolic = (this.tensors[tensor]?.symbols.length ?? 0) > 0;
    const width = 22 + Math.max(this.#measure(symbols, "mono"), isSymbolic ? this.#measure(sizes, "small") : 0);
    const state = clashing
      ? known(clashing.state)
      : worst(leaving.map((edge) => edge.state)) === "unreached"
        ? "unreached"
        : "agree";
    return { tensor, axes, symbols, sizes: isSymbolic ? sizes : "", axis: clashing?.axis ?? null, state, width };
  }

  /** The room that a box takes. */
  size(id: string, isOpen: boolean): NodeSize {
    const layer = this.layers.get(id);
    if (layer === undefined) return { width: 40, height: PILL_HEIGHT, above: 0, below: 0 };
    const title =
      this.#measure(shortName(layer.name), "bold") +
      (layer.type === layer.name ? 0 : 6 + this.#measure(this.kindText(layer), "plain"));
    if (isOpen) return { width: title + 96, height: HEADER_HEIGHT, above: 0, below: 0 };
    const detail = this.#measure(this.detail(layer), "mono");
    const isPill = this.isPill(layer);
    const width = (isPill ? title + (detail ? detail + 8 : 0) : Math.max(title, detail)) + (isPill ? 34 : 44);
    const chip = this.chip(id);
    const badges = this.into(id).filter((edge) => edge.badge);
    const badge = Math.max(0, ...badges.map((edge) => this.badgeWidth(edge)));
    return {
      width: Math.max(64, width),
      height: isPill ? PILL_HEIGHT : CARD_HEIGHT,
      above: badges.length ? BADGE_ROOM : 0,
      below: chip ? CHIP_ROOM : 0,
      chipWidth: Math.max(chip?.width ?? 0, badge),
    };
  }

  badgeWidth(edge: WireEdge): number {
    return this.#measure(this.badgeText(edge), "mono") + 20;
  }

  badgeText(edge: WireEdge): string {
    return `${signOf(edge.state)} ${shortBadge(edge.badge)}`;
  }

  isPill(layer: WireLayer): boolean {
    return (
      layer.kind === "input" ||
      layer.kind === "output" ||
      (layer.kind !== "group" && layer.signature === "" && layer.kind !== "layer") ||
      layer.kind === "operation"
    );
  }

  /** What stands behind the name, in grey. */
  kindText(layer: WireLayer): string {
    if (layer.kind === "input") return this.tensors[layer.outputs[0] ?? -1]?.dtype ?? "";
    return layer.kind === "output" ? "" : shortName(layer.type);
  }

  /** What stands below the name, or behind it in a pill. */
  detail(layer: WireLayer): string {
    if (layer.kind !== "group") return layer.kind === "operation" ? shortArguments(layer.signature) : layer.signature;
    const inside = this.index.leafCount(layer.id);
    return `${inside} ${inside === 1 ? "layer" : "layers"}`;
  }
}

function tuple(sizes: readonly string[]): string {
  return `(${sizes.join(", ")}${sizes.length === 1 ? "," : ""})`;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
