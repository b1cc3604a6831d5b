import { describe, expect, it } from "vitest";
import { counted, counts, known, STATES, signOf, worst } from "../src/agreement";
import type { State, WireEdge } from "../src/contract.gen";

const edge = (state: string): WireEdge => ({
  id: state,
  source: "a",
  target: "b",
  tensor: 0,
  state: state as State,
  assumed: false,
  escaped: false,
  badge: "",
  axis: null,
});

describe("a state", () => {
  it("has a sign of its own, so that colour is not needed to tell it", () => {
    expect(new Set(STATES.map(signOf)).size).toBe(STATES.length);
  });

  it("that this version does not know is drawn as not reached", () => {
    expect(known("quantised")).toBe("unreached");
    expect(signOf("quantised")).toBe(signOf("unreached"));
  });
});

it.each([
  [[], "agree"],
  [["agree", "agree"], "agree"],
  [["agree", "unreached"], "unreached"],
  [["unreached", "coincidence", "agree"], "coincidence"],
  [["coincidence", "mismatch"], "mismatch"],
  [["agree", "quantised"], "unreached"],
])("worst of %j is %s", (states, state) => {
  expect(worst(states)).toBe(state);
});

it.each([
  ["mismatch", 1, "1 mismatch"],
  ["mismatch", 3, "3 mismatches"],
  ["agree", 1, "1 agrees"],
  ["agree", 0, "0 agree"],
  ["unreached", 2, "2 not reached"],
] as const)("counted(%s, %i) is %j", (state, count, text) => {
  expect(counted(state, count)).toBe(text);
});

it("counts every state, the unknown ones among those not reached", () => {
  const edges = ["agree", "mismatch", "agree", "quantised", "unreached"].map(edge);
  expect(counts(edges)).toEqual({ mismatch: 1, coincidence: 0, unreached: 2, agree: 2 });
});
