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

/** The chips of a box, and how many there are no room for. */
export interface Chips {
  readonly shown: readonly Chip[];
  readonly more: number;
}

export interface Badge {
  /** The edge that clashes worst. */
  readonly edge: WireEdge;
  readonly text: string;
  readonly state: State;
  readonly width: number;
  /** What every clashing edge of the box says. */
  readonly all: readonly string[];
}

export const BADGE_HEIGHT = 20;
/** Above, below and between the chips of a box. */
export const CHIP_GAP = 7;
export const MORE_HEIGHT = 12;
const MOST_CHIPS = 2;
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

  /**
   * The shapes that are printed below a box: of what is read further on, each shape once, where it is news or where
   * there is trouble. What clashes comes first.
   */
  chips(id: string): Chips {
    const layer = this.layers.get(id);
    if (layer === undefined || layer.kind === "output") return { shown: [], more: 0 };
    const leaving = this.outOf(id);
    const tensors = [...new Set(leaving.map((edge) => edge.tensor))].sort((one, other) => one - other);
    if (!tensors.length) tensors.push(...layer.outputs.slice(0, 1));
    const chips = tensors.filter((tensor) => this.tensors[tensor]).map((tensor) => this.#chip(tensor, leaving));
    const clashing = chips.filter(({ state }) => state === "mismatch" || state === "coincidence");
    const known = new Set(layer.kind === "input" ? [] : layer.inputs.map((input) => this.symbolic(input)));
    for (const { tensor } of clashing) known.add(this.symbolic(tensor));
    const news = chips.filter((chip) => {
      const symbols = this.symbolic(chip.tensor);
      const isNews = !clashing.includes(chip) && !known.has(symbols);
      known.add(symbols);
      return isNews;
    });
    const all = [...clashing, ...news];
    return { shown: all.slice(0, MOST_CHIPS), more: Math.max(0, all.length - MOST_CHIPS) };
  }

  #chip(tensor: number, leaving: readonly WireEdge[]): Chip {
    const readers = leaving.filter((edge) => edge.tensor === tensor);
    const clashing = readers.find((edge) => known(edge.state) === "mismatch" || known(edge.state) === "coincidence");
    // What was given and never read is known all the same.
    const isGiven = readers.some((edge) => known(this.layers.get(edge.source)?.state ?? "agree") !== "unreached");
    const worstRead = worst(readers.map((edge) => edge.state));
    const state = worstRead === "unreached" && isGiven ? "agree" : worstRead;
    const axes = this.#axes(tensor).map((axis) => shortName(axis));
    const symbols = tuple(axes);
    const sizes = (this.tensors[tensor]?.symbols.length ?? 0) > 0 ? this.numeric(tensor) : "";
    const width = 22 + Math.max(this.#measure(symbols, "mono"), this.#measure(sizes, "small"));
    return { tensor, axes, symbols, sizes, axis: clashing?.axis ?? null, state, width };
  }

  /** The room that a box takes. */
  size(id: string, isOpen: boolean): NodeSize {
    const layer = this.layers.get(id);
    if (layer === undefined) return { width: 40, height: PILL_HEIGHT, above: 0, below: 0 };
    const kind = this.kindText(layer);
    const title = this.#measure(shortName(layer.name), "bold") + (kind ? 6 + this.#measure(kind, "plain") : 0);
    if (isOpen) return { width: title + 96, height: HEADER_HEIGHT, above: 0, below: 0 };
    const detail = this.#measure(this.detail(layer), "mono");
    const isPill = this.isPill(layer);
    const width = (isPill ? title + (detail ? detail + 8 : 0) : Math.max(title, detail)) + (isPill ? 34 : 44);
    const chips = this.chips(id);
    const badge = this.badge(id);
    return {
      width: Math.max(64, width),
      height: isPill ? PILL_HEIGHT : CARD_HEIGHT,
      above: badge ? BADGE_ROOM : 0,
      below: chips.shown.length ? 2 * CHIP_GAP + chipsHeight(chips) : 0,
      chipWidth: Math.max(badge?.width ?? 0, ...chips.shown.map((chip) => chip.width)),
    };
  }

  /** The clash at the entry of a box: the worst, and how many others there are. */
  badge(id: string): Badge | null {
    const clashing = this.into(id).filter((edge) => edge.badge);
    const state = worst(clashing.map((edge) => edge.state));
    const edge = clashing.find((each) => known(each.state) === state);
    if (edge === undefined) return null;
    const others = new Set(clashing.map((each) => each.badge)).size - 1;
    const text = `${signOf(state)} ${shortBadge(edge.badge)}${others ? ` · ${others} more` : ""}`;
    return { edge, text, state, width: this.#measure(text, "mono") + 20, all: clashing.map((each) => each.badge) };
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
    return layer.kind === "output" || layer.type === layer.name ? "" : shortName(layer.type);
  }

  /** What stands below the name, or behind it in a pill. */
  detail(layer: WireLayer): string {
    if (layer.kind !== "group") return layer.kind === "operation" ? shortArguments(layer.signature) : layer.signature;
    const inside = this.index.leafCount(layer.id);
    return `${inside} ${inside === 1 ? "layer" : "layers"}`;
  }
}

/** A chip has a line for the symbols, and one for the sizes where they say more. */
export function chipHeight(chip: Chip): number {
  return chip.sizes ? 32 : 20;
}

function chipsHeight({ shown, more }: Chips): number {
  const heights = shown.reduce((sum, chip) => sum + chipHeight(chip) + CHIP_GAP, -CHIP_GAP);
  return heights + (more ? CHIP_GAP + MORE_HEIGHT : 0);
}

function tuple(sizes: readonly string[]): string {
  return `(${sizes.join(", ")}${sizes.length === 1 ? "," : ""})`;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
