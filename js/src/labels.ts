/** What is printed below and above a box: the shapes that it gives, and the clash at its entry. No DOM. */

import { known, signOf, worst } from "./agreement";
import type { State, WireEdge } from "./contract.gen";
import type { Scene } from "./scene";
import { shortBadge, shortName } from "./texts";

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
  /** Whether it lies behind a repair. */
  readonly isAssumed: boolean;
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

/**
 * The shapes that are printed below a box: of what is read further on, each shape once, where it is news or where
 * there is trouble. What clashes comes first.
 */
export function chips(scene: Scene, id: string): Chips {
  const layer = scene.layers.get(id);
  if (layer === undefined || layer.kind === "output") return { shown: [], more: 0 };
  const leaving = scene.outOf(id);
  const tensors = [...new Set(leaving.map((edge) => edge.tensor))].sort((one, other) => one - other);
  if (!tensors.length) tensors.push(...layer.outputs.slice(0, 1));
  const found = tensors.filter((tensor) => scene.tensors[tensor]).map((tensor) => chip(scene, tensor, leaving));
  const clashing = found.filter(({ state }) => state === "mismatch" || state === "coincidence");
  const before = layer.kind === "input" ? [] : layer.inputs;
  const seen = new Set([...before, ...clashing.map(({ tensor }) => tensor)].map((tensor) => scene.symbolic(tensor)));
  const news = found.filter((each) => {
    const symbols = scene.symbolic(each.tensor);
    const isNews = !clashing.includes(each) && !seen.has(symbols);
    seen.add(symbols);
    return isNews;
  });
  const all = [...clashing, ...news];
  return { shown: all.slice(0, MOST_CHIPS), more: Math.max(0, all.length - MOST_CHIPS) };
}

function chip(scene: Scene, tensor: number, leaving: readonly WireEdge[]): Chip {
  const readers = leaving.filter((edge) => edge.tensor === tensor);
  const clashing = readers.find((edge) => known(edge.state) === "mismatch" || known(edge.state) === "coincidence");
  // What was given and never read is known all the same.
  const isGiven = readers.some((edge) => known(scene.layers.get(edge.source)?.state ?? "agree") !== "unreached");
  const worstRead = worst(readers.map((edge) => edge.state));
  const state = worstRead === "unreached" && isGiven ? "agree" : worstRead;
  const axes = scene.axes(tensor).map((axis) => shortName(axis));
  const symbols = tuple(axes);
  const sizes = scene.isSolved(tensor) ? scene.numeric(tensor) : "";
  const width = 22 + Math.max(scene.measure(symbols, "mono"), scene.measure(sizes, "small"));
  const isAssumed = readers.length > 0 && readers.every((edge) => edge.assumed);
  return { tensor, axes, symbols, sizes, axis: clashing?.axis ?? null, state, isAssumed, width };
}

/** The clash at the entry of a box: the worst, and how many others there are. */
export function badge(scene: Scene, id: string): Badge | null {
  const clashing = scene.into(id).filter((edge) => edge.badge);
  const state = worst(clashing.map((edge) => edge.state));
  const edge = clashing.find((each) => known(each.state) === state);
  if (edge === undefined) return null;
  const others = new Set(clashing.map((each) => each.badge)).size - 1;
  const text = `${signOf(state)} ${shortBadge(edge.badge)}${others ? ` · ${others} more` : ""}`;
  return { edge, text, state, width: scene.measure(text, "mono") + 20, all: clashing.map((each) => each.badge) };
}

/** A chip has a line for the symbols, and one for the sizes where they say more. */
export function chipHeight(what: Chip): number {
  return what.sizes ? 32 : 20;
}

/** The height of all chips of a box; 0 where it has none. */
export function chipsHeight({ shown, more }: Chips): number {
  if (!shown.length) return 0;
  const heights = shown.reduce((sum, each) => sum + chipHeight(each) + CHIP_GAP, -CHIP_GAP);
  return heights + (more ? CHIP_GAP + MORE_HEIGHT : 0);
}

/** Axes as Python prints a shape. */
export function tuple(sizes: readonly string[]): string {
  return `(${sizes.join(", ")}${sizes.length === 1 ? "," : ""})`;
}
