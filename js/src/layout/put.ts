import type { GraphIndex } from "./graph-index";
import type { Nested } from "./nest";
import type { Layout, PlacedEdge, PlacedNode } from "./types";

/** Moves the content of all containers to where it stands in the picture. */
export function put(root: Nested, index: GraphIndex): Layout {
  const nodes: PlacedNode[] = [];
  const edges: PlacedEdge[] = [];
  const putInside = (nested: Nested, container: string | null, x: number, y: number, depth: number): void => {
    for (const { id, box, inner, ...at } of nested.children) {
      const left = x + at.x - box.anchor;
      nodes.push({
        id,
        x: left + box.cardLeft,
        y: y + at.y,
        width: box.cardWidth,
        height: box.height,
        anchor: box.anchor - box.cardLeft,
        depth,
        isGroup: index.node(id).isGroup,
        isOpen: inner !== null,
      });
      if (inner) putInside(inner, id, x + at.x, y + at.y, depth + 1);
    }
    nested.links.forEach(({ key, source, target, tensor, ids }, place) => {
      const { course = [], isLane = false } = nested.arrangement.routes[place] ?? {};
      edges.push({
        key,
        container,
        source: source ?? container ?? "",
        target: target ?? container ?? "",
        fromPort: source === null,
        toPort: target === null,
        tensor,
        ids,
        isLane,
        course: course.map((point) => ({ x: x + point.x, y: y + point.y })),
      });
    });
  };
  const { left, right, height } = root.arrangement;
  putInside(root, null, left, 0, 0);
  return { nodes, edges, width: left + right, height };
}
