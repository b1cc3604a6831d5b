import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type HostModel, Traits } from "../src/model";

/** A host that calls its listeners for every trait of a message, as Backbone does. */
class Host implements HostModel {
  readonly values = new Map<string, unknown>();
  readonly saved: [string, unknown][] = [];
  readonly #listeners = new Set<readonly [string, () => void]>();
  #unsaved: [string, unknown][] = [];

  get listenerCount(): number {
    return this.#listeners.size;
  }

  get(name: string): unknown {
    return this.values.get(name);
  }

  set(name: string, value: unknown): void {
    this.#unsaved.push([name, value]);
    this.receive({ [name]: value });
  }

  save_changes(): void {
    this.saved.push(...this.#unsaved);
    this.#unsaved = [];
  }

  on(event: string, callback: () => void): void {
    this.#listeners.add([event, callback]);
  }

  off(event: string, callback: () => void): void {
    for (const each of this.#listeners) if (each[0] === event && each[1] === callback) this.#listeners.delete(each);
  }

  receive(message: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(message)) this.values.set(name, value);
    for (const name of Object.keys(message))
      for (const [event, callback] of [...this.#listeners]) if (event === `change:${name}`) callback();
  }
}

let host: Host;
let traits: Traits;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  host = new Host();
  traits = new Traits(host);
});
afterEach(() => vi.useRealTimers());

describe("onChange", () => {
  it("calls once for all the traits of one message, when all of them are there", async () => {
    const seen: unknown[] = [];
    traits.onChange(["tensors", "sizes"], () => seen.push([traits.get("tensors"), traits.get("sizes")]));
    host.receive({ tensors: [], sizes: { B: 8 } });
    expect(seen).toEqual([]);
    await Promise.resolve();
    expect(seen).toEqual([[[], { B: 8 }]]);
  });

  it("calls again for the next message", async () => {
    const callback = vi.fn();
    traits.onChange(["tensors", "sizes"], callback);
    host.receive({ sizes: { B: 8 } });
    await Promise.resolve();
    host.receive({ sizes: { B: 9 } });
    await Promise.resolve();
    expect(callback).toHaveBeenCalledTimes(2);
  });

  it("does not call for other traits", async () => {
    const callback = vi.fn();
    traits.onChange(["selection"], callback);
    host.receive({ height: 300 });
    await Promise.resolve();
    expect(callback).not.toHaveBeenCalled();
  });

  it("keeps callbacks for the same trait apart", async () => {
    const [one, other] = [vi.fn(), vi.fn()];
    traits.onChange(["selection"], one);
    traits.onChange(["selection"], other);
    host.receive({ selection: "head" });
    await Promise.resolve();
    expect([one.mock.calls.length, other.mock.calls.length]).toEqual([1, 1]);
  });
});

describe("set", () => {
  it("writes and saves at once", () => {
    traits.set("selection", "head");
    expect(host.saved).toEqual([["selection", "head"]]);
  });
});

describe("setLater", () => {
  it("saves only the last value, once nothing newer has come for a moment", () => {
    traits.setLater("height", 300);
    vi.advanceTimersByTime(300);
    traits.setLater("height", 320);
    vi.advanceTimersByTime(300);
    expect(host.saved).toEqual([]);
    vi.advanceTimersByTime(200);
    expect(host.saved).toEqual([["height", 320]]);
  });

  it("is told to be waiting until it is saved", () => {
    traits.setLater("height", 300);
    expect([traits.isWaiting("height"), traits.isWaiting("selection")]).toEqual([true, false]);
    vi.runAllTimers();
    expect(traits.isWaiting("height")).toBe(false);
  });

  it("lets one trait not put off another", () => {
    traits.setLater("height", 300);
    traits.setLater("selection", "head");
    vi.runAllTimers();
    expect(host.saved).toEqual([
      ["height", 300],
      ["selection", "head"],
    ]);
  });
});

describe("dispose", () => {
  it("saves what is still waiting, once", () => {
    traits.setLater("height", 300);
    traits.dispose();
    expect(host.saved).toEqual([["height", 300]]);
    vi.runAllTimers();
    expect(host.saved).toHaveLength(1);
  });

  it("leaves no listener at the host", () => {
    traits.onChange(["tensors", "sizes"], () => undefined);
    traits.onChange(["selection"], () => undefined);
    expect(host.listenerCount).toBe(3);
    traits.dispose();
    expect(host.listenerCount).toBe(0);
  });

  it("does not call for a message that came just before", async () => {
    const callback = vi.fn();
    traits.onChange(["selection"], callback);
    host.receive({ selection: "head" });
    traits.dispose();
    await Promise.resolve();
    expect(callback).not.toHaveBeenCalled();
  });
});
