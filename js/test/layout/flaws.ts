import type { GraphIndex, Layout, PlacedEdge, PlacedNode, Point } from "../../src/layout/index";

/** What is wrong with a layout, one sentence each; empty for a good one. */
export function flaws(index: GraphIndex, drawn: Layout): string[] {
  const nodes = new Map(drawn.nodes.map((node) => [node.id, node]));
  return [
    ...unreal(drawn),
    ...overlaps(index, drawn),
    ...outside(index, drawn, nodes),
    ...drawn.edges.flatMap((edge) => [...looseEnds(edge, nodes), ...piercedNodes(index, edge, drawn)]),
    ...broken(index, drawn, nodes),
  ];
}

function unreal({ nodes, edges }: Layout): string[] {
  const isReal = (...values: number[]): boolean => values.every(Number.isFinite);
  return [
    ...nodes
      .filter(({ x, y, width, height, anchor }) => !isReal(x, y, width, height, anchor))
      .map(({ id }) => `${id} has no place`),
    ...edges
      .filter(({ course }) => course.length < 2 || !course.every(({ x, y }) => isReal(x, y)))
      .map(({ key }) => `${key} has no line`),
  ];
}

function overlaps(index: GraphIndex, { nodes }: Layout): string[] {
  const areSiblings = (a: PlacedNode, b: PlacedNode): boolean => index.node(a.id).parent === index.node(b.id).parent;
  return nodes.flatMap((a, place) =>
    nodes
      .slice(place + 1)
      .filter((b) => areSiblings(a, b) && meet(a, b))
      .map((b) => `${a.id} and ${b.id} overlap`),
  );
}

function meet(a: PlacedNode, b: PlacedNode): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function outside(index: GraphIndex, drawn: Layout, nodes: Map<string, PlacedNode>): string[] {
  const around = (container: string | null): Pick<PlacedNode, "x" | "y" | "width" | "height"> =>
    (container === null ? undefined : nodes.get(container)) ?? { x: 0, y: 0, width: drawn.width, height: drawn.height };
  const isIn = ({ x, y }: Point, container: string | null): boolean => {
    const box = around(container);
    return x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height;
  };
  const corners = ({ x, y, width, height }: PlacedNode): Point[] => [
    { x, y },
    { x: x + width, y: y + height },
  ];
  return [
    ...drawn.nodes
      .filter((node) => !corners(node).every((corner) => isIn(corner, index.node(node.id).parent)))
      .map(({ id }) => `${id} sticks out`),
    ...drawn.edges
      .filter(({ course, container }) => !course.every((point) => isIn(point, container)))
      .map(({ key }) => `${key} sticks out`),
  ];
}

/** Lines end on the border of a node, or on the border of their container. */
function looseEnds({ key, course, source, target }: PlacedEdge, nodes: Map<string, PlacedNode>): string[] {
  const ends: [Point | undefined, string][] = [
    [course[0], source],
    [course.at(-1), target],
  ];
  return ends
    .filter(([point, id]) => !isOnBorder(point, nodes.get(id)))
    .map(([, id]) => `${key} does not end at ${id}`);
}

function isOnBorder(point: Point | undefined, node: PlacedNode | undefined): boolean {
  if (!point || !node) return false;
  const { x, y, width, height } = node;
  const near = (a: number, b: number): boolean => Math.abs(a - b) < 0.01;
  const isWithin =
    point.x >= x - 0.01 && point.x <= x + width + 0.01 && point.y >= y - 0.01 && point.y <= y + height + 0.01;
  return isWithin && (near(point.x, x) || near(point.x, x + width) || near(point.y, y) || near(point.y, y + height));
}

/** A slanted piece is drawn as a curve somewhere in the box around it, so the whole box must be free. */
function piercedNodes(
  index: GraphIndex,
  { key, container, course, source, target }: PlacedEdge,
  { nodes }: Layout,
): string[] {
  const siblings = nodes.filter((node) => index.node(node.id).parent === container);
  return course.slice(1).flatMap((to, place) => {
    const from = course[place] ?? to;
    const isOwn = (id: string): boolean =>
      (place === 0 && id === source) || (place === course.length - 2 && id === target);
    return siblings
      .filter((node) => isThrough(from, to, node, isOwn(node.id)))
      .map(({ id }) => `${key} runs through ${id}`);
  });
}

function isThrough(from: Point, to: Point, { x, y, width, height }: PlacedNode, isOwn: boolean): boolean {
  const [left, right] = [Math.min(from.x, to.x), Math.max(from.x, to.x)];
  const [top, bottom] = [Math.min(from.y, to.y), Math.max(from.y, to.y)];
  const slack = isOwn ? 0.01 : 0;
  return left < x + width - slack && right > x + slack && top < y + height - slack && bottom > y + slack;
}

/** Follows every edge of the graph from its source to its target, over lines that meet in ports. */
function broken(index: GraphIndex, { edges }: Layout, nodes: Map<string, PlacedNode>): string[] {
  const lines = new Map<string, PlacedEdge[]>();
  for (const line of edges) for (const id of line.ids) lines.set(id, [...(lines.get(id) ?? []), line]);
  const drawnBox = (leaf: string): string => index.chain(leaf).findLast((id) => nodes.has(id)) ?? leaf;
  return index.edges.flatMap(({ id, source, target, tensor }) => {
    const [from, to] = [drawnBox(source), drawnBox(target)];
    const left = new Set(lines.get(id) ?? []);
    if (from === to) return left.size > 0 ? [`${id} is drawn from ${from} to itself`] : [];
    let line = [...left].find((one) => one.source === from && !one.fromPort);
    while (line) {
      left.delete(line);
      const { target: at, toPort, course, tensor: carried } = line;
      if (carried !== tensor) return [`${id} is drawn as ${carried}`];
      if (at === to && !toPort) return left.size > 0 ? [`${id} has lines to spare`] : [];
      const end = course.at(-1);
      line = [...left].find(
        (one) => one.source === at && end !== undefined && one.course[0]?.x === end.x && one.course[0]?.y === end.y,
      );
    }
    return [`${id} is not drawn from ${from} to ${to}`];
  });
}
