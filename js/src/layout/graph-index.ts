import { Flow, flows } from "./flows";
import { groupBy } from "./group-by";
import { topologicalOrder } from "./topological-order";
import type { LayoutEdge, LayoutNode } from "./types";

/** The nodes and edges of one graph, looked up by id: who holds whom, and what comes after what. */
export class GraphIndex {
  readonly nodes: readonly LayoutNode[];
  readonly edges: readonly LayoutEdge[];
  readonly #nodes: ReadonlyMap<string, LayoutNode>;
  readonly #children = new Map<string | null, string[]>();
  readonly #chains = new Map<string, readonly string[]>();
  readonly #order = new Map<string, number>();
  readonly #leafCounts = new Map<string, number>();
  #flows: ReadonlyMap<string | null, Flow> | null = null;

  /** Takes the nodes in execution order. Throws where an edge or a parent names no node. */
  constructor(nodes: readonly LayoutNode[], edges: readonly LayoutEdge[]) {
    this.nodes = nodes;
    this.edges = edges;
    this.#nodes = new Map(nodes.map((node) => [node.id, node]));
    for (const [parent, all] of groupBy(nodes, (node) => node.parent))
      this.#children.set(
        parent,
        all.map((node) => node.id),
      );
    for (const node of nodes) this.chain(node.id);
    for (const edge of edges) for (const end of [edge.source, edge.target]) this.node(end);
    this.#number();
    for (const siblings of this.#children.values()) siblings.sort((a, b) => this.order(a) - this.order(b));
  }

  /** The node of that id. Throws where there is none. */
  node(id: string): LayoutNode {
    const node = this.#nodes.get(id);
    if (!node) {
      throw new Error(`"${id}" is not one of the ${this.nodes.length} nodes, as every end and every parent must be.`);
    }
    return node;
  }

  /** The nodes directly inside a group (null: at the top), in topological order. */
  children(id: string | null): readonly string[] {
    return this.#children.get(id) ?? [];
  }

  /** The groups around a node, outermost first, and the node itself last. */
  chain(id: string): readonly string[] {
    const known = this.#chains.get(id);
    if (known) return known;
    const chain: string[] = [];
    for (let at: string | null = id; at !== null; at = this.node(at).parent) {
      if (chain.includes(at))
        throw new Error(`"${at}" is inside itself: ${chain.join(" < ")}. A parent must be an outer group.`);
      chain.push(at);
    }
    chain.reverse();
    this.#chains.set(id, chain);
    return chain;
  }

  /** The place of a node in topological order; a group stands where its first leaf does. */
  order(id: string): number {
    return this.#order.get(id) ?? 0;
  }

  /** The number of leaves inside a group; 1 for a leaf. */
  leafCount(id: string): number {
    return this.#leafCounts.get(id) ?? 1;
  }

  /** What flows inside a group (null: at the top), whatever is open. */
  flow(container: string | null): Flow {
    this.#flows ??= flows(this.edges, (leaf) => this.chain(leaf));
    return this.#flows.get(container) ?? new Flow(container);
  }

  #number(): void {
    const leaves = this.nodes.filter((node) => !this.#children.has(node.id)).map((node) => node.id);
    let count = 0;
    for (const leaf of topologicalOrder(leaves, this.edges)) {
      count += 1;
      for (const id of this.chain(leaf)) {
        if (!this.#order.has(id)) this.#order.set(id, count);
        this.#leafCounts.set(id, (this.#leafCounts.get(id) ?? 0) + 1);
      }
    }
  }
}
