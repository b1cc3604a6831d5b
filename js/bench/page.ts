/** What `benchmarks/graph_view.py` runs in a page: layouts beside those of dagre, and frames while a view moves. */

import { GraphIndex, layout } from "../src/layout/index";
import { allGroups, chainWithSkips, type Graph, transformer } from "../test/layout/graphs";

/** What of dagre is used. */
interface Dagre {
  Graph: new (options: object) => DagreGraph;
  layout(graph: DagreGraph): void;
}

interface DagreGraph {
  setGraph(label: object): void;
  setDefaultEdgeLabel(make: () => object): void;
  setNode(id: string, label: object): void;
  setEdge(source: string, target: string): void;
}

const graphs = {
  chain: (): Graph => chainWithSkips(1000),
  transformer: (): Graph => transformer(50),
};

/** Milliseconds of one layout with everything open and nothing known from before. */
export function ours(name: keyof typeof graphs): number {
  const graph = graphs[name]();
  const index = new GraphIndex(graph.nodes, graph.edges);
  const start = performance.now();
  layout(index, allGroups(graph), graph.size);
  return performance.now() - start;
}

/** The same graph without its groups, which dagre can lay out only far more slowly. */
export function dagres(name: keyof typeof graphs, dagre: Dagre): number {
  const { nodes, edges, size } = graphs[name]();
  const graph = new dagre.Graph({});
  graph.setGraph({});
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, isGroup } of nodes) if (!isGroup) graph.setNode(id, { ...size(id) });
  for (const { source, target } of edges) graph.setEdge(source, target);
  const start = performance.now();
  dagre.layout(graph);
  return performance.now() - start;
}

const nextFrame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));

/** Milliseconds until what `start` began is painted: until the frame after the next. */
export async function untilPainted(start: () => unknown): Promise<number> {
  const before = performance.now();
  await start();
  await nextFrame();
  await nextFrame();
  return performance.now() - before;
}

/** Milliseconds between frames while a pointer drags the graph to and fro, or a wheel zooms it. */
export async function frames(svg: SVGElement, kind: "pan" | "zoom", count: number): Promise<number[]> {
  const { left, top, width, height } = svg.getBoundingClientRect();
  const [x, y] = [left + width / 2, top + height / 2];
  const send = (type: string, dx: number, dy: number): void => {
    const at = { clientX: x + dx, clientY: y + dy, bubbles: true, cancelable: true };
    if (type === "wheel") svg.dispatchEvent(new WheelEvent(type, { ...at, deltaY: dy, ctrlKey: true }));
    else svg.dispatchEvent(new PointerEvent(type, { ...at, button: 0, pointerId: 1, pointerType: "mouse" }));
  };
  // A pointer that is not pressed cannot be captured.
  svg.setPointerCapture = () => undefined;
  const times: number[] = [];
  let before = await nextFrame();
  if (kind === "pan") send("pointerdown", 0, 0);
  for (let step = 0; step < count; step++) {
    const swing = Math.sin(step / 6);
    if (kind === "pan") send("pointermove", 60 * swing, 400 * swing);
    else send("wheel", 0, 120 * Math.cos(step / 6));
    const now = await nextFrame();
    times.push(now - before);
    before = now;
  }
  if (kind === "pan") send("pointerup", 0, 0);
  return times;
}

/** A click opens or closes a group. */
export function click(header: Element): void {
  header.dispatchEvent(new MouseEvent("click", { bubbles: true }));
}
