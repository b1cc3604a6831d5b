import { bendWires } from "./bends";
import { findColumns } from "./columns";
import type { Chain, Item, Link } from "./container";
import type { LayoutOptions } from "./options";
import { assignRows } from "./ranks";
import { route } from "./routes";
import { makeRows, stackRows } from "./rows";
import { placeColumns } from "./skyline";
import type { Point } from "./types";

/** The inside of one container. x counts from its main line, y from its top border. */
export interface Arrangement {
  /** How far the content reaches to both sides of the main line. */
  readonly left: number;
  readonly right: number;
  readonly height: number;
  /** The main line and the top border of every item. */
  readonly items: readonly Point[];
  /** Of every link, in the order given. */
  readonly routes: readonly { readonly course: readonly Point[]; readonly isLane: boolean }[];
}

/** Places the items of one container, whose boxes are known, and draws its links. Takes them in topological order. */
export function arrange(
  items: readonly Item[],
  chains: readonly Chain[],
  links: readonly Link[],
  header: number,
  options: LayoutOptions,
): Arrangement {
  const rowCount = assignRows(items, options.gap);
  const { columns, ways } = findColumns(chains, links);
  placeColumns(columns, rowCount, options);
  const rows = makeRows(items, rowCount);
  const wires = bendWires(ways, rows);
  const height = stackRows(rows, items, header, options);
  const routes = wires.map((wire) => ({ course: route(wire, options), isLane: wire.column?.isLane ?? false }));
  const line = options.laneWidth / 2;
  const xs = routes.flatMap(({ course }) => course.map((point) => point.x));
  const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
  return {
    left: most([...items.map((item) => -item.left), ...xs.map((x) => line - x)]),
    right: most([...items.map((item) => item.right), ...xs.map((x) => x + line)]),
    height,
    items: items.map(({ x, y }) => ({ x, y })),
    routes,
  };
}
