/** The host's model with the types of the contract: the one place that reads and writes traits. */

import type { GraphViewTraits } from "./contract.gen";

/** What anywidget, and any other host, hands to `render`. */
export interface HostModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback: (...args: never[]) => void): void;
}

const SETTLE_MS = 400;

/** Typed traits of one view; `dispose` takes every listener away. */
export class Traits {
  readonly #host: HostModel;
  readonly #listeners: [string, () => void][] = [];
  readonly #waiting = new Map<string, { timer: ReturnType<typeof setTimeout>; write: () => void }>();
  #isDisposed = false;

  constructor(host: HostModel) {
    this.#host = host;
  }

  get<K extends keyof GraphViewTraits>(name: K): GraphViewTraits[K] {
    return this.#host.get(name) as GraphViewTraits[K];
  }

  /** Write a trait now. */
  set<K extends keyof GraphViewTraits>(name: K, value: GraphViewTraits[K]): void {
    this.#host.set(name, value);
    this.#host.save_changes();
  }

  /** Write a trait once nothing newer has come for a moment. */
  setLater<K extends keyof GraphViewTraits>(name: K, value: GraphViewTraits[K]): void {
    clearTimeout(this.#waiting.get(name)?.timer);
    const write = (): void => {
      this.#waiting.delete(name);
      this.set(name, value);
    };
    this.#waiting.set(name, { timer: setTimeout(write, SETTLE_MS), write });
  }

  /** Whether this view has written a newer value than the host knows. */
  isWaiting(name: keyof GraphViewTraits): boolean {
    return this.#waiting.has(name);
  }

  /** Call back once for all of these traits that one message changes. */
  onChange(names: readonly (keyof GraphViewTraits)[], callback: () => void): void {
    let isDue = false;
    const gather = (): void => {
      if (isDue) return;
      isDue = true;
      queueMicrotask(() => {
        isDue = false;
        if (!this.#isDisposed) callback();
      });
    };
    for (const name of names) {
      this.#listeners.push([`change:${name}`, gather]);
      this.#host.on(`change:${name}`, gather);
    }
  }

  dispose(): void {
    for (const [event, callback] of this.#listeners) this.#host.off(event, callback);
    for (const { timer, write } of [...this.#waiting.values()]) {
      clearTimeout(timer);
      write();
    }
    this.#isDisposed = true;
    this.#listeners.length = 0;
  }
}
