import type { Chain, Item, Link } from "./container";

/** All that the arrangement of a container depends on beside the distances, as text; ids and names do not matter. */
export function signature(
  items: readonly Item[],
  chains: readonly Chain[],
  links: readonly Link[],
  header: number,
): string {
  const tensors = new Map<string, number>();
  for (const { tensor } of links) if (!tensors.has(tensor)) tensors.set(tensor, tensors.size);
  return JSON.stringify([
    header,
    items.map(({ kind, box }) => [kind, box]),
    chains.map((chain) => chain.items.map((item) => item.place)),
    links.map((link) => [
      link.source.place,
      link.target.place,
      tensors.get(link.tensor),
      link.leavesAt,
      link.arrivesAt,
    ]),
  ]);
}
