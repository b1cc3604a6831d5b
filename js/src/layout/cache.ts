import type { Arrangement } from "./arrange";

/**
 * Arrangements by structure. Handed from one call of `layout` to the next, it saves the containers that did not
 * change, and within one call those that are alike, such as the blocks of a transformer.
 */
export class LayoutCache {
  readonly #arrangements = new Map<string, Arrangement>();

  /** Keeps the `limit` arrangements that were asked for last. */
  constructor(readonly limit = 500) {}

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
