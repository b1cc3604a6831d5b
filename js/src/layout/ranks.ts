import type { Item } from "./container";

/**
 * Gives every item its rows: each stands below all that it reads from, ports in the first and the last row. A tall open
 * group stands in as many rows as fit beside it. Takes the items in topological order; returns the number of rows.
 */
export function assignRows(items: readonly Item[], gap: number): number {
  const spans = rowSpans(items, gap);
  const span = (item: Item): number => spans.get(item) ?? 1;
  const ranks = longestPaths(items, span);
  const rank = (item: Item): number => ranks.get(item) ?? 0;
  pullSideInputs(items, ranks, span);
  const starts = [...new Set(items.map(rank))].sort((a, b) => a - b);
  const rows = new Map(starts.map((start, row) => [start, row]));
  for (const item of items) {
    item.first = rows.get(rank(item)) ?? 0;
    item.last = item.first;
    const end = rank(item) + span(item);
    while ((starts[item.last + 1] ?? end) < end) item.last += 1;
  }
  return starts.length;
}

/** How many rows of usual height fit beside each tall open group. */
function rowSpans(items: readonly Item[], gap: number): Map<Item, number> {
  const pitch = ({ box }: Item): number => box.above + box.height + box.below + gap;
  const children = items.filter((item) => item.kind === "child");
  const closed = children.filter((item) => !item.box.isOpen);
  const pitches = closed.length > 0 ? closed.map(pitch).sort((a, b) => a - b) : [Math.min(...children.map(pitch))];
  const usual = pitches[pitches.length >> 1] ?? gap;
  return new Map(
    children.filter((item) => item.box.isOpen).map((item) => [item, Math.max(1, Math.floor(pitch(item) / usual))]),
  );
}

function longestPaths(items: readonly Item[], span: (item: Item) => number): Map<Item, number> {
  const hasPorts = items.some((item) => item.kind === "enter");
  const ranks = new Map<Item, number>();
  let end = 0;
  for (const item of items) {
    let rank = item.kind === "leave" ? end : item.kind === "child" && hasPorts ? 1 : 0;
    for (const higher of item.higher) rank = Math.max(rank, (ranks.get(higher) ?? 0) + span(higher));
    ranks.set(item, rank);
    if (item.kind !== "leave") end = Math.max(end, rank + span(item));
  }
  return ranks;
}

/** Moves inputs beside the main line (masks, lengths), and what is made of them alone, down to their first reader. */
function pullSideInputs(items: readonly Item[], ranks: Map<Item, number>, span: (item: Item) => number): void {
  const free = new Set<Item>();
  for (const item of items) {
    if (item.kind === "child" && !item.chain.isMain && item.higher.every((higher) => free.has(higher))) free.add(item);
  }
  for (const item of [...free].reverse()) {
    const readers = item.lower.map((lower) => ranks.get(lower) ?? 0);
    if (readers.length > 0) ranks.set(item, Math.max(ranks.get(item) ?? 0, Math.min(...readers) - span(item)));
  }
}
