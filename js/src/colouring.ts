/** What the colours of the boxes say: agreement, or one value of every layer on a scale with a legend. No DOM. */

import type { ColourBy, WireLayer } from "./contract.gen";
import type { Scene } from "./scene";
import { bytes, seconds } from "./units";

/** One entry of the legend. `tone` names a pair of colours of the style sheet, for the fill and the text on it. */
export interface Tone {
  readonly tone: string;
  readonly label: string;
}

export interface Colouring {
  /** What the values are, "Memory for the backward pass"; empty for agreement. */
  readonly title: string;
  readonly legend: readonly Tone[];
  /** The tone of a box and its value in words; null where it has none. */
  of(id: string): Tone | null;
}

export const COLOURINGS: readonly ColourBy[] = ["agreement", "memory", "time", "dtype", "device"];

const STEPS = 5;
const KINDS = 6;
/** Colours that say how the shapes agree. */
export const PLAIN: Colouring = { title: "", legend: [], of: () => null };

/** The colouring of a scene. */
export function colouring(scene: Scene, by: ColourBy): Colouring {
  if (by === "memory") return graded(scene, "Kept for the backward pass", bytes, (layer) => layer.memory);
  if (by === "time") return graded(scene, "Time of the forward pass", seconds, (layer) => layer.time);
  if (by === "dtype" || by === "device")
    return sorted(scene, `The ${by} of what a layer gives`, (layer) => scene.tensors[layer.outputs[0] ?? -1]?.[by]);
  return PLAIN;
}

/**
 * Five steps from nothing to the largest layer. The steps grow quadratically, as few layers of a model are large and
 * most are small.
 */
function graded(
  scene: Scene,
  title: string,
  words: (value: number) => string,
  valueIn: (layer: WireLayer) => number | undefined,
): Colouring {
  const values = new Map<string, number>();
  for (const layer of scene.layers.values()) {
    const value = layer.kind === "group" ? undefined : valueIn(layer);
    if (value !== undefined)
      for (const id of scene.index.chain(layer.id)) values.set(id, (values.get(id) ?? 0) + value);
  }
  const leaves = [...values].filter(([id]) => scene.layers.get(id)?.kind !== "group").map(([, value]) => value);
  const largest = leaves.reduce((most, value) => Math.max(most, value), 0);
  if (!leaves.length) return { ...PLAIN, title: `${title}: not measured yet` };
  const tone = (step: number): string => `heat-${Math.min(STEPS - 1, step)}`;
  const bound = (step: number): string => words(largest * (step / STEPS) ** 2);
  return {
    title,
    legend: Array.from({ length: STEPS }, (_, step) => ({
      tone: tone(step),
      label: `to ${bound(step + 1)}`,
    })),
    of: (id) => {
      const value = values.get(id);
      if (value === undefined) return null;
      return { tone: tone(Math.floor(STEPS * Math.sqrt(value / (largest || 1)))), label: words(value) };
    },
  };
}

/** A colour for each value that occurs, the most frequent first; rare ones share the last. */
function sorted(scene: Scene, title: string, valueIn: (layer: WireLayer) => string | undefined): Colouring {
  const counts = new Map<string, number>();
  for (const layer of scene.layers.values()) {
    const value = valueIn(layer);
    if (value && layer.kind !== "group") counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const values = [...counts].sort(([, one], [, other]) => other - one).map(([value]) => value);
  const tone = (value: string): string => `kind-${Math.min(KINDS - 1, values.indexOf(value))}`;
  return {
    title,
    legend: values.map((value) => ({ tone: tone(value), label: value })),
    of: (id) => {
      const layer = scene.layers.get(id);
      const value = layer && valueIn(layer);
      return value && values.includes(value) ? { tone: tone(value), label: value } : null;
    },
  };
}
