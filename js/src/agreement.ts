/** The four states of an edge: how they are ordered, counted and said. Each has a colour, a line and a sign. */

import type { State, WireEdge } from "./contract.gen";

export interface StateWords {
  readonly sign: string;
  readonly one: string;
  readonly many: string;
}

/** The worst first. */
export const STATES: readonly State[] = ["mismatch", "coincidence", "unreached", "agree"];

const WORDS: Record<State, StateWords> = {
  mismatch: { sign: "✕", one: "mismatch", many: "mismatches" },
  coincidence: { sign: "≈", one: "by coincidence", many: "by coincidence" },
  unreached: { sign: "?", one: "not reached", many: "not reached" },
  agree: { sign: "✓", one: "agrees", many: "agree" },
};

/** A state that this version knows; one that it does not know is drawn as not reached. */
export function known(state: string): State {
  return STATES.find((each) => each === state) ?? "unreached";
}

export function signOf(state: string): string {
  return WORDS[known(state)].sign;
}

/** "1 mismatch", "3 mismatches". */
export function counted(state: State, count: number): string {
  return `${count} ${count === 1 ? WORDS[state].one : WORDS[state].many}`;
}

export function worst(states: Iterable<string>): State {
  let place = STATES.length - 1;
  for (const state of states) place = Math.min(place, STATES.indexOf(known(state)));
  return STATES[place] ?? "agree";
}

export function counts(edges: readonly WireEdge[]): Record<State, number> {
  const result: Record<State, number> = { mismatch: 0, coincidence: 0, unreached: 0, agree: 0 };
  for (const edge of edges) result[known(edge.state)] += 1;
  return result;
}
