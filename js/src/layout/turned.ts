import type { Layout, Point } from "./types";

/** The same picture from left to right. The anchor of a node is then the y of its line, counted from its upper side. */
export function turned({ nodes, edges, width, height }: Layout): Layout {
  const turn = ({ x, y }: Point): Point => ({ x: y, y: x });
  return {
    nodes: nodes.map((node) => ({ ...node, ...turn(node), width: node.height, height: node.width })),
    edges: edges.map((edge) => ({ ...edge, course: edge.course.map(turn) })),
    width: height,
    height: width,
  };
}
