/** What there is to go to in a graph: the edges in trouble, and the findings that no edge shows. No DOM. */

import { known } from "./agreement";
import type { State, WireEdge, WireFinding } from "./contract.gen";

export interface Problem {
  /** What is selected: an edge, a layer, or a finding by its number. */
  readonly id: string;
  readonly state: State;
}

/** The id of a finding that stands nowhere in the graph. */
export function findingId(place: number): string {
  return `finding ${place}`;
}

/** The finding of that id. */
export function findingOf(id: string, findings: readonly WireFinding[]): WireFinding | undefined {
  const place = /^finding (\d+)$/.exec(id)?.[1];
  return place === undefined ? undefined : findings[Number(place)];
}

/** Where a finding leads: to its line, to its layer, or to itself where the graph has neither. */
export function placeOf(finding: WireFinding, place: number, isInGraph: (id: string) => boolean): string {
  return [...finding.edges, finding.layer].find(isInGraph) ?? findingId(place);
}

/** The findings above a note that no line of the graph shows, each once for its layer. */
export function beside(findings: readonly WireFinding[], isInGraph: (id: string) => boolean): Problem[] {
  const found = new Map<string, State>();
  findings.forEach((finding, place) => {
    const id = placeOf(finding, place, isInGraph);
    if (finding.severity !== "note" && !finding.edges.includes(id) && found.get(id) !== "mismatch")
      found.set(id, finding.severity);
  });
  return [...found].map(([id, state]) => ({ id, state }));
}

/** Mismatches first, each kind in the order in which the layers ran, and what is beside the graph last. */
export function problems(edges: Iterable<WireEdge>, others: readonly Problem[]): Problem[] {
  const all = [...[...edges].map(({ id, state }) => ({ id, state: known(state) })), ...others];
  return (["mismatch", "coincidence"] as const).flatMap((state) => all.filter((each) => each.state === state));
}
