import { Item, type Link } from "./container";
import type { Flow } from "./flows";
import type { GraphIndex } from "./graph-index";

/** What stands in one container, and the lines between, before anything has its place. */
export interface Inventory {
  /** The ports by tensor, the children by id. */
  readonly enters: ReadonlyMap<string, Item>;
  readonly children: ReadonlyMap<string, Item>;
  readonly leaves: ReadonlyMap<string, Item>;
  /** All of them in topological order. */
  readonly items: readonly Item[];
  /** One for each link of the flow, in its order. */
  readonly links: readonly Link[];
}

/** Takes stock of a container (null: the top). Its title needs `header` pixels under the ports at the top. */
export function takeInventory(
  index: GraphIndex,
  container: string | null,
  flow: Flow,
  room: { readonly header: number; readonly bottomPadding: number },
): Inventory {
  let place = 0;
  const port = { width: 6, cardWidth: 0, cardLeft: 0, height: 0, anchor: 3, above: 0, below: 0, isOpen: false };
  const enter = (): Item => new Item(place++, "enter", 0, { ...port, below: room.header });
  const child = (id: string): Item => new Item(place++, "child", index.leafCount(id));
  const leave = (): Item => new Item(place++, "leave", 0, { ...port, above: room.bottomPadding });
  const enters = new Map([...flow.enters].map((tensor) => [tensor, enter()]));
  const children = new Map(index.children(container).map((id) => [id, child(id)]));
  const leaves = new Map([...flow.leaves].map((tensor) => [tensor, leave()]));
  const links = flow.links.flatMap(({ source, target, tensor }): Link[] => {
    const from = source === null ? enters.get(tensor) : children.get(source);
    const to = target === null ? leaves.get(tensor) : children.get(target);
    return from && to ? [{ source: from, target: to, tensor, leavesAt: null, arrivesAt: null }] : [];
  });
  return { enters, children, leaves, items: [...enters.values(), ...children.values(), ...leaves.values()], links };
}
