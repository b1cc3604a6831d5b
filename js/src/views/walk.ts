/** Where an arrow key leads: along an edge where there is one, else on in the order in which the layers ran. */

import type { PlacedNode } from "../layout/types";
import type { Scene } from "../scene";

const STEPS: Record<string, number> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

/** The box that a key leads to; undefined for another key, null where there is none. */
export function neighbour(
  scene: Scene,
  nodes: readonly PlacedNode[],
  from: string,
  key: string,
): PlacedNode | null | undefined {
  const step = STEPS[key];
  if (step === undefined) return undefined;
  const at = nodes.findIndex((node) => node.id === from);
  const edges = step > 0 ? scene.outOf(from) : scene.into(from);
  const ends = new Set(edges.flatMap((edge) => scene.index.chain(step > 0 ? edge.target : edge.source)));
  return nodes.find((node) => ends.has(node.id) && !node.isOpen && node.id !== from) ?? nodes[at + step] ?? null;
}
