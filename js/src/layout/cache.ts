import type { Arrangement } from "./arrange";
import type { GraphIndex } from "./graph-index";
import type { Nested } from "./nest";
import type { LayoutOptions } from "./options";

/**
 * What one layout leaves to the next: the containers of a graph as they were placed last, and arrangements by
 * structure. It saves the containers that did not change, and within one layout those that are alike, such as the
 * blocks of a transformer.
 */
export class LayoutCache {
  readonly #arrangements = new Map<string, Arrangement>();
  #nested = new Map<string | null, Nested>();
  #index: GraphIndex | null = null;
  #options: LayoutOptions | null = null;

  /** Keeps the `limit` arrangements that were asked for last. */
  constructor(readonly limit = 500) {}

  /** The containers of a graph by id (null: the top), as they were placed last. Other distances begin anew. */
  nested(index: GraphIndex, options: LayoutOptions): Map<string | null, Nested> {
    if (options !== this.#options) this.#arrangements.clear();
    if (index !== this.#index || options !== this.#options) this.#nested = new Map();
    this.#index = index;
    this.#options = options;
    return this.#nested;
  }

  /** The arrangement of that structure, made only where it is not known. */
  get(structure: string, make: () => Arrangement): Arrangement {
    const arrangement = this.#arrangements.get(structure) ?? make();
    this.#arrangements.delete(structure);
    this.#arrangements.set(structure, arrangement);
    const [oldest] = this.#arrangements.keys();
    if (this.#arrangements.size > this.limit && oldest !== undefined) this.#arrangements.delete(oldest);
    return arrangement;
  }
}
