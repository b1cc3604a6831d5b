import type { GraphIndex } from "./graph-index";

/** A line inside one container. Null is the port of its tensor: at the top as a source, at the bottom as a target. */
export interface FlowLink {
  readonly source: string | null;
  readonly target: string | null;
  readonly tensor: string;
  /** The graph edges it carries. */
  readonly ids: string[];
}

/** What flows inside one container, between its children and the ports on its border. */
export class Flow {
  /** The tensors that enter and leave, one port each. */
  readonly enters = new Set<string>();
  readonly leaves = new Set<string>();
  readonly #links = new Map<string, FlowLink>();

  get links(): FlowLink[] {
    return [...this.#links.values()];
  }

  add(source: string | null, target: string | null, tensor: string, id: string): void {
    if (source === null) this.enters.add(tensor);
    if (target === null) this.leaves.add(tensor);
    const key = JSON.stringify([source, target, tensor]);
    const link = this.#links.get(key);
    if (link) link.ids.push(id);
    else this.#links.set(key, { source, target, tensor, ids: [id] });
  }
}

/**
 * Cuts every edge at the borders of the open groups it crosses. An edge that stays inside one closed box is left out.
 * The flow at the top has the key null.
 */
export function flows(index: GraphIndex, isOpen: (id: string) => boolean): Map<string | null, Flow> {
  const found = new Map<string | null, Flow>();
  const flow = (container: string | null): Flow => {
    const known = found.get(container) ?? new Flow();
    found.set(container, known);
    return known;
  };
  /** The boxes around a leaf that are drawn, down to the first closed one. */
  const drawn = (leaf: string): readonly string[] => {
    const chain = index.chain(leaf);
    return chain.slice(0, chain.findIndex((id) => !isOpen(id)) + 1);
  };
  for (const edge of index.edges) {
    const from = drawn(edge.source);
    const to = drawn(edge.target);
    const fork = from.findIndex((id, depth) => id !== to[depth]);
    const source = from[fork];
    const target = to[fork];
    if (source === undefined || target === undefined) continue;
    flow(from[fork - 1] ?? null).add(source, target, edge.tensor, edge.id);
    for (let depth = fork + 1; depth < from.length; depth++) {
      flow(from[depth - 1] ?? null).add(from[depth] ?? null, null, edge.tensor, edge.id);
    }
    for (let depth = fork + 1; depth < to.length; depth++) {
      flow(to[depth - 1] ?? null).add(null, to[depth] ?? null, edge.tensor, edge.id);
    }
  }
  return found;
}
