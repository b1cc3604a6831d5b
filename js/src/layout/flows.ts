import type { LayoutEdge } from "./types";

/** A line inside one container. Null is the port of its tensor: at the top as a source, at the bottom as a target. */
export interface FlowLink {
  /** Unique in the graph, and the same whatever is open. */
  readonly key: string;
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
  readonly links: FlowLink[] = [];
  readonly #byKey = new Map<string, FlowLink>();

  constructor(readonly container: string | null) {}

  add(source: string | null, target: string | null, tensor: string, id: string): void {
    if (source === null) this.enters.add(tensor);
    if (target === null) this.leaves.add(tensor);
    const key = JSON.stringify([this.container, source, target, tensor]);
    const known = this.#byKey.get(key);
    if (known) return void known.ids.push(id);
    const link = { key, source, target, tensor, ids: [id] };
    this.#byKey.set(key, link);
    this.links.push(link);
  }
}

/**
 * Cuts every edge at the borders of the groups it crosses. What flows inside a group does not depend on what is open in
 * it or around it, so this is done once a graph. The flow at the top has the key null.
 */
export function flows(
  edges: readonly LayoutEdge[],
  chain: (leaf: string) => readonly string[],
): Map<string | null, Flow> {
  const found = new Map<string | null, Flow>();
  const flow = (container: string | null): Flow => {
    const known = found.get(container) ?? new Flow(container);
    found.set(container, known);
    return known;
  };
  for (const edge of edges) {
    const from = chain(edge.source);
    const to = chain(edge.target);
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
