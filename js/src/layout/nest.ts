import { type Arrangement, arrange } from "./arrange";
import type { LayoutCache } from "./cache";
import { findChains, orderItems } from "./chains";
import { type Box, type Item, isBack, type Link } from "./container";
import type { FlowLink } from "./flows";
import type { GraphIndex } from "./graph-index";
import { groupBy } from "./group-by";
import { takeInventory } from "./inventory";
import type { LayoutOptions } from "./options";
import { signature } from "./signature";
import type { NodeSize, Point } from "./types";

/** One container with the open groups inside it, each placed in its own coordinates. */
export interface Nested {
  readonly children: readonly NestedChild[];
  readonly links: readonly FlowLink[];
  readonly arrangement: Arrangement;
  /** The x of each port, by tensor, counted from the main line. */
  readonly enterX: ReadonlyMap<string, number>;
  readonly leaveX: ReadonlyMap<string, number>;
  readonly through: Through;
  readonly header: number;
}

export interface NestedChild {
  readonly id: string;
  readonly size: NodeSize;
  readonly box: Box;
  /** Its main line and its top border. */
  readonly x: number;
  readonly y: number;
  readonly through: Through;
  /** What is inside; null for a closed one. */
  readonly inner: Nested | null;
}

/** What stays the same throughout one layout. */
export interface NestContext {
  readonly index: GraphIndex;
  readonly isOpen: (id: string) => boolean;
  readonly size: (id: string) => NodeSize;
  readonly options: LayoutOptions;
  readonly cache: LayoutCache;
  /** The containers as they were placed last; those that are placed again take their place. */
  readonly known: Map<string | null, Nested>;
}

/** The tensors of the straight line through a group: its main line inside runs between their ports. */
export interface Through {
  readonly enter?: string | undefined;
  readonly leave?: string | undefined;
}

/** Places what is inside a container (null: at the top), innermost groups first. */
export function nest(context: NestContext, container: string | null, through: Through): Nested {
  const header = container === null ? 0 : context.size(container).height;
  const known = context.known.get(container);
  if (known?.header === header && isCurrent(context, known, through)) return known;
  const nested = nestAnew(context, container, through, header);
  context.known.set(container, nested);
  return nested;
}

/** Whether placing a container again would give the same. */
function isCurrent(context: NestContext, { through, children }: Nested, wanted: Through): boolean {
  return (
    through.enter === wanted.enter &&
    through.leave === wanted.leave &&
    children.every(
      ({ id, size, through, inner }) =>
        size === context.size(id) && inner === (context.isOpen(id) ? nest(context, id, through) : null),
    )
  );
}

function nestAnew(context: NestContext, container: string | null, through: Through, header: number): Nested {
  const { index, options } = context;
  const flow = index.flow(container);
  const room = { header, bottomPadding: options.bottomPadding };
  const { enters, children, leaves, items, links } = takeInventory(index, container, flow, room);
  orderItems(items, links);
  const port = (ports: ReadonlyMap<string, Item>, tensor?: string): Item | null =>
    (tensor === undefined ? null : ports.get(tensor)) ?? null;
  const chains = findChains(items, port(enters, through.enter), port(leaves, through.leave));

  const straight = straightThrough(links);
  const inside = new Map<Item, Omit<NestedChild, "x" | "y">>();
  for (const [id, item] of children) {
    const through = straight.get(item) ?? {};
    const size = context.size(id);
    const inner = context.isOpen(id) ? nest(context, id, through) : null;
    item.box = box(size, options, inner);
    inside.set(item, { id, size, box: item.box, through, inner });
  }
  for (const link of links) {
    link.leavesAt = inside.get(link.source)?.inner?.leaveX.get(link.tensor) ?? null;
    link.arrivesAt = inside.get(link.target)?.inner?.enterX.get(link.tensor) ?? null;
  }
  const structure = signature(items, chains, links, header);
  const arrangement = context.cache.get(structure, () => arrange(items, chains, links, header, options));

  const at = (item: Item): Point => arrangement.items[item.place] ?? { x: 0, y: 0 };
  const portX = (ports: ReadonlyMap<string, Item>): Map<string, number> =>
    new Map([...ports].map(([tensor, item]) => [tensor, at(item).x]));
  return {
    children: [...inside].map(([item, child]) => ({ ...child, ...at(item) })),
    links: flow.links,
    arrangement,
    enterX: portX(enters),
    leaveX: portX(leaves),
    through,
    header,
  };
}

/** For every item the tensors that run along its chain. */
function straightThrough(links: readonly Link[]): Map<Item, Through> {
  const along = links.filter((link) => !isBack(link) && link.source.next === link.target);
  const enter = groupBy(along, (link) => link.target);
  const leave = groupBy(along, (link) => link.source);
  const items = new Set([...enter.keys(), ...leave.keys()]);
  return new Map(
    [...items].map((item) => [item, { enter: enter.get(item)?.[0]?.tensor, leave: leave.get(item)?.[0]?.tensor }]),
  );
}

/** The room a child needs; that of an open group follows from what is inside. */
function box(
  { width, height, above, below, left: cardLeft = 0, right: free = 0, beside = 0 }: NodeSize,
  options: LayoutOptions,
  inner: Nested | null,
): Box {
  if (!inner) {
    const room = cardLeft + width + free;
    return {
      width: room,
      cardWidth: width,
      cardLeft,
      height,
      anchor: cardLeft + width / 2,
      above,
      below,
      isOpen: false,
    };
  }
  const { left, right, height: content } = inner.arrangement;
  const narrow = left + right + 2 * options.sidePadding + beside;
  const extra = Math.max(0, width - narrow) / 2;
  return {
    width: narrow + 2 * extra,
    cardWidth: narrow + 2 * extra,
    cardLeft: 0,
    height: content + (inner.leaveX.size > 0 ? 0 : options.bottomPadding),
    anchor: left + options.sidePadding + beside + extra,
    above,
    below,
    isOpen: true,
  };
}
