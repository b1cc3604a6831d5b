import { type Arrangement, arrange } from "./arrange";
import type { LayoutCache } from "./cache";
import { findChains, orderItems } from "./chains";
import { type Box, type Chain, Item, isBack, type Link } from "./container";
import { Flow, type FlowLink } from "./flows";
import type { GraphIndex } from "./graph-index";
import type { LayoutOptions } from "./options";
import type { NodeSize } from "./types";

/** One container with the open groups inside it, each placed in its own coordinates. */
export interface Nested {
  readonly children: readonly NestedChild[];
  readonly links: readonly FlowLink[];
  readonly arrangement: Arrangement;
  /** The x of each port, by tensor, counted from the main line. */
  readonly enterX: ReadonlyMap<string, number>;
  readonly leaveX: ReadonlyMap<string, number>;
}

export interface NestedChild {
  readonly id: string;
  readonly box: Box;
  /** Its main line and its top border. */
  readonly x: number;
  readonly y: number;
  /** What is inside; null for a closed one. */
  readonly inner: Nested | null;
}

/** What stays the same throughout one layout. */
export interface NestContext {
  readonly index: GraphIndex;
  readonly isOpen: (id: string) => boolean;
  readonly size: (id: string) => NodeSize;
  readonly flows: ReadonlyMap<string | null, Flow>;
  readonly options: LayoutOptions;
  readonly cache: LayoutCache;
}

/** The tensors of the straight line through a group: its main line inside runs between their ports. */
export interface Through {
  readonly enter?: string | undefined;
  readonly leave?: string | undefined;
}

/** Places what is inside a container (null: at the top), innermost groups first. */
export function nest(context: NestContext, container: string | null, through: Through): Nested {
  const { index, options } = context;
  const flow = context.flows.get(container) ?? new Flow();
  const header = container === null ? 0 : context.size(container).height;
  let place = 0;
  const enters = new Map([...flow.enters].map((tensor) => [tensor, new Item(place++, "enter", 0, portBox(0, header))]));
  const children = new Map(
    index.children(container).map((id) => [id, new Item(place++, "child", index.leafCount(id))]),
  );
  const leaves = new Map(
    [...flow.leaves].map((tensor) => [tensor, new Item(place++, "leave", 0, portBox(options.bottomPadding, 0))]),
  );
  const items = [...enters.values(), ...children.values(), ...leaves.values()];

  const flowLinks = flow.links;
  const links = flowLinks.flatMap(({ source, target, tensor }): Link[] => {
    const from = source === null ? enters.get(tensor) : children.get(source);
    const to = target === null ? leaves.get(tensor) : children.get(target);
    return from && to ? [{ source: from, target: to, tensor, leavesAt: null, arrivesAt: null }] : [];
  });
  orderItems(items, links);
  const chains = findChains(items, enters.get(through.enter ?? "") ?? null, leaves.get(through.leave ?? "") ?? null);

  const inner = new Map<Item, Nested>();
  const straight = throughTensors(links);
  for (const [id, item] of children) {
    if (context.isOpen(id)) inner.set(item, nest(context, id, straight.get(item) ?? {}));
    item.box = box(context, id, inner.get(item) ?? null);
  }
  for (const link of links) {
    link.leavesAt = inner.get(link.source)?.leaveX.get(link.tensor) ?? null;
    link.arrivesAt = inner.get(link.target)?.enterX.get(link.tensor) ?? null;
  }
  const structure = signature(items, chains, links, header, options);
  const arrangement = context.cache.get(structure, () => arrange(items, chains, links, header, options));
  const at = (item: Item): { x: number; y: number } => arrangement.items[item.place] ?? { x: 0, y: 0 };
  const portX = (ports: Map<string, Item>): Map<string, number> =>
    new Map([...ports].map(([tensor, item]) => [tensor, at(item).x]));
  return {
    children: [...children].map(([id, item]) => ({ id, box: item.box, ...at(item), inner: inner.get(item) ?? null })),
    links: flowLinks,
    arrangement,
    enterX: portX(enters),
    leaveX: portX(leaves),
  };
}

/** For every item the tensors of the links that run along its chain. */
function throughTensors(links: readonly Link[]): Map<Item, { enter?: string; leave?: string }> {
  const found = new Map<Item, { enter?: string; leave?: string }>();
  const of = (item: Item): { enter?: string; leave?: string } => {
    const known = found.get(item) ?? {};
    found.set(item, known);
    return known;
  };
  for (const link of links) {
    if (isBack(link) || link.source.next !== link.target) continue;
    of(link.source).leave ??= link.tensor;
    of(link.target).enter ??= link.tensor;
  }
  return found;
}

function box({ size, options }: NestContext, id: string, inner: Nested | null): Box {
  const { width, height, above, below, chipWidth } = size(id);
  if (!inner) {
    const room = Math.max(width, chipWidth ?? 0);
    return { width: room, cardWidth: width, height, anchor: room / 2, above, below, isOpen: false };
  }
  const { left, right, height: content } = inner.arrangement;
  const narrow = left + right + 2 * options.sidePadding;
  const extra = Math.max(0, width - narrow) / 2;
  return {
    width: narrow + 2 * extra,
    cardWidth: narrow + 2 * extra,
    height: content + (inner.leaveX.size > 0 ? 0 : options.bottomPadding),
    anchor: left + options.sidePadding + extra,
    above,
    below,
    isOpen: true,
  };
}

/** The room of a port: a point on the border, with the title under it at the top. */
function portBox(above: number, below: number): Box {
  return { width: 6, cardWidth: 0, height: 0, anchor: 3, above, below, isOpen: false };
}

/** Containers with the same signature look the same. */
function signature(
  items: readonly Item[],
  chains: readonly Chain[],
  links: readonly Link[],
  header: number,
  options: LayoutOptions,
): string {
  const tensors = new Map<string, number>();
  const number = (tensor: string): number => {
    const known = tensors.get(tensor) ?? tensors.size;
    tensors.set(tensor, known);
    return known;
  };
  return JSON.stringify([
    header,
    options,
    items.map(({ kind, box }) => [kind, Object.values(box)]),
    chains.map((chain) => chain.items.map((item) => item.place)),
    links.map((link) => [link.source.place, link.target.place, number(link.tensor), link.leavesAt, link.arrivesAt]),
  ]);
}
