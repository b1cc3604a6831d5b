import type { Chain, Item, Link } from "./container";

/** Notes what must stand higher and lower. Takes the items in topological order; a link against it is turned round. */
export function orderItems(items: readonly Item[], links: readonly Link[]): void {
  for (const { source, target } of links) {
    const [higher, lower] = source.place < target.place ? [source, target] : [target, source];
    higher.lower.push(lower);
    lower.higher.push(higher);
  }
  // Nodes without any line go into one column, in execution order, not into one endless row.
  let previous: Item | null = null;
  for (const item of items) {
    if (item.kind !== "child" || item.lower.length + item.higher.length > 0) continue;
    previous?.lower.push(item);
    if (previous) item.higher.push(previous);
    previous = item;
  }
}

/**
 * Splits the items into chains, so that each item is in one. The first is the main line: the heaviest way from top to
 * bottom, between the ports `enter` and `leave` where they are given. From each item the chain goes on to the free item
 * below with the heaviest way behind it.
 */
export function findChains(items: readonly Item[], enter: Item | null, leave: Item | null): Chain[] {
  const reach = heaviestWays(items, leave);
  const isHeavier = (item: Item, other: Item | null): boolean =>
    other === null || (reach.get(item) ?? 0) > (reach.get(other) ?? 0);
  const taken = new Set<Item>();
  const follow = (start: Item, isMain: boolean): Chain => {
    const chain: Chain = { items: [], isMain };
    for (let at: Item | null = start; at; ) {
      append(chain, at);
      taken.add(at);
      let heaviest: Item | null = null;
      for (const item of at.lower) if (!taken.has(item) && isHeavier(item, heaviest)) heaviest = item;
      at = heaviest;
    }
    return chain;
  };
  let start: Item | null = enter;
  if (!start) for (const item of items) if (isHeavier(item, start)) start = item;
  if (!start) return [];
  const mainLine = follow(start, true);
  if (leave && !taken.has(leave)) {
    // The main line of the container around goes on from this port, so it stays on the main line here.
    append(mainLine, leave);
    taken.add(leave);
  }
  const chains = [mainLine];
  for (const item of items) if (!taken.has(item)) chains.push(follow(item, false));
  return chains;
}

function append(chain: Chain, item: Item): void {
  const previous = chain.items.at(-1) ?? null;
  if (previous) previous.next = item;
  item.previous = previous;
  item.chain = chain;
  chain.items.push(item);
}

/** The weight of the heaviest way from each item downwards. Ways that end in the port `leave` beat all others. */
function heaviestWays(items: readonly Item[], leave: Item | null): Map<Item, number> {
  const total = items.reduce((sum, item) => sum + item.weight, 1);
  const reach = new Map<Item, number>();
  for (const item of [...items].reverse()) {
    let behind = item === leave ? total : 0;
    for (const below of item.lower) behind = Math.max(behind, reach.get(below) ?? 0);
    reach.set(item, item.weight + behind);
  }
  return reach;
}
