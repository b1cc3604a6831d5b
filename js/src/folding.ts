/**
 * Runs of equal blocks become the first one and a group of all others: "1 … 11, 11 × Block". Equal means the same
 * layers, declared sizes, shapes, states and inner lines, so that a block with a problem falls out of its run by
 * itself. No DOM.
 */

import type { WireEdge, WireGraph, WireLayer } from "./contract.gen";
import { groupBy } from "./layout/group-by";
import { shortName } from "./texts";

/** Equal siblings, one after the other: the first, and those that are folded behind it. */
export interface Fold {
  readonly layer: WireLayer;
  readonly first: WireLayer;
  readonly members: readonly WireLayer[];
}

const SHORTEST_RUN = 3;

/** The layers with a group for every run, and those groups by id. */
export function folded(
  { layers, edges }: WireGraph,
  shapeOf: (tensor: number) => string,
): { layers: WireLayer[]; folds: Map<string, Fold> } {
  const blocks = new Blocks(layers, edges, shapeOf);
  const folds = new Map<string, Fold>();
  const heads = new Map<string, Fold>();
  const parents = new Map<string, string>();
  for (const run of blocks.runs()) {
    const [first, ...members] = run;
    if (first === undefined) continue;
    const fold = { layer: stack(members, first), first, members };
    folds.set(fold.layer.id, fold);
    for (const [place, { id }] of members.entries()) {
      if (place === 0) heads.set(id, fold);
      parents.set(id, fold.layer.id);
    }
  }
  const all = layers.flatMap((layer): WireLayer[] => {
    const fold = heads.get(layer.id);
    const parent = parents.get(layer.id);
    const placed = parent === undefined ? layer : { ...layer, parent };
    return fold ? [fold.layer, placed] : [placed];
  });
  return { layers: all, folds };
}

/** The group that stands for the members of a run. */
function stack(members: readonly WireLayer[], first: WireLayer): WireLayer {
  const [second, last] = [members[0] ?? first, members[members.length - 1] ?? first];
  return {
    ...first,
    id: `${second.id} … ${last.id}`,
    name: `${shortName(second.name, 14)} … ${shortName(last.name, 14)}`,
    type: `${members.length} × ${first.type}`,
    outputs: last.outputs,
    parameters: members.reduce((sum, each) => sum + each.parameters, 0),
  };
}

class Blocks {
  readonly #children: ReadonlyMap<string | null, WireLayer[]>;
  readonly #into: ReadonlyMap<string, WireEdge[]>;
  readonly #shapeOf: (tensor: number) => string;

  constructor(layers: readonly WireLayer[], edges: readonly WireEdge[], shapeOf: (tensor: number) => string) {
    this.#children = groupBy(layers, (layer) => layer.parent);
    this.#into = groupBy(edges, (edge) => edge.target);
    this.#shapeOf = shapeOf;
  }

  /** Every run that is long enough to be folded. */
  *runs(): Generator<WireLayer[]> {
    for (const siblings of this.#children.values()) {
      let run: WireLayer[] = [];
      let runKey = "";
      for (const layer of [...siblings, null]) {
        const key = layer?.kind === "group" && this.#hasTwin(layer, siblings) ? this.#key(layer) : "";
        if (key !== "" && key === runKey && layer) run.push(layer);
        else {
          if (run.length >= SHORTEST_RUN) yield run;
          run = layer ? [layer] : [];
          runKey = key;
        }
      }
    }
  }

  /** Spares the comparison of what has no sibling of its type. */
  #hasTwin(layer: WireLayer, siblings: readonly WireLayer[]): boolean {
    return siblings.some((other) => other !== layer && other.type === layer.type);
  }

  /** All that makes a block what it is, without its names. */
  #key(block: WireLayer): string {
    const inside = [...this.#inside(block)];
    const places = new Map(inside.map((layer, place) => [layer.id, place]));
    const shapes = (tensors: readonly number[]): string[] => tensors.map((tensor) => this.#shapeOf(tensor));
    return JSON.stringify(
      inside.map((layer) => [
        layer.kind,
        layer.type,
        layer.signature,
        layer.state,
        layer.assumed,
        shapes(layer.outputs),
        (this.#into.get(layer.id) ?? []).map(({ source, state, badge, tensor }) => [
          places.get(source) ?? this.#shapeOf(tensor),
          state,
          badge,
        ]),
      ]),
    );
  }

  *#inside(layer: WireLayer): Generator<WireLayer> {
    yield layer;
    for (const child of this.#children.get(layer.id) ?? []) yield* this.#inside(child);
  }
}
