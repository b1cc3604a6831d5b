import { describe, expect, it } from "vitest";
import {
  defaultOptions,
  GraphIndex,
  type Layout,
  LayoutCache,
  layout,
  type NodeSize,
  type PlacedEdge,
  type PlacedNode,
} from "../../src/layout/index";
import { allGroups, type Graph, GraphWriter, randomGraph, resnet50, transformer } from "./graphs";

const draw = (graph: Graph, open = allGroups(graph)): Layout =>
  layout(new GraphIndex(graph.nodes, graph.edges), open, graph.size);

/** The same graph, with one object for the size of a node as long as it is the same, as a view has it. */
function withSteadySizes<G extends Graph>(graph: G): G {
  const sizes = new Map(graph.nodes.map(({ id }) => [id, graph.size(id)]));
  return { ...graph, size: (id) => sizes.get(id) ?? graph.size(id) };
}

function node(drawn: Layout, id: string): PlacedNode {
  const found = drawn.nodes.find((one) => one.id === id);
  if (!found) throw new Error(`${id} is not drawn`);
  return found;
}

function edge(drawn: Layout, source: string, target: string): PlacedEdge {
  const found = drawn.edges.find((one) => one.source === source && one.target === target);
  if (!found) throw new Error(`${source} -> ${target} is not drawn`);
  return found;
}

const corners = ({ course }: PlacedEdge): number[][] => course.map(({ x, y }) => [x, y]);
const mainLine = ({ x, anchor }: PlacedNode): number => x + anchor;

const mainLines = (drawn: Layout, ...ids: string[]): Set<number> => new Set(ids.map((id) => mainLine(node(drawn, id))));

/** The x of the longest vertical piece. */
function longestPiece({ course }: PlacedEdge): number {
  const pieces = course.slice(1).map((to, place) => ({
    x: to.x,
    length: Math.abs(to.y - (course[place]?.y ?? 0)),
    isVertical: to.x === course[place]?.x,
  }));
  return pieces.filter(({ isVertical }) => isVertical).sort((a, b) => b.length - a.length)[0]?.x ?? Number.NaN;
}

/** Cards are 110 x 42 with a chip of 24 below, titles of groups 34 high. */
describe("layout", () => {
  it("layout() of nothing is empty", () => {
    expect(draw(new GraphWriter().graph())).toEqual({ nodes: [], edges: [], width: 0, height: 0 });
  });

  it("layout() puts a reader straight under what it reads, with room for the chip", () => {
    const g = new GraphWriter();
    g.reads("b", g.leaf("a"));
    const closed = { width: 110, height: 42, anchor: 55, depth: 0, isGroup: false, isOpen: false };
    const line = { source: "a", target: "b", fromPort: false, toPort: false, tensor: "a", container: null };
    expect(draw(g.graph())).toEqual({
      nodes: [
        { id: "a", x: 0, y: 0, ...closed },
        { id: "b", x: 0, y: 88, ...closed },
      ],
      edges: [
        {
          ...line,
          key: '[null,"a","b","a"]',
          ids: ["e0"],
          isLane: false,
          course: [
            { x: 55, y: 42 },
            { x: 55, y: 88 },
          ],
        },
      ],
      width: 110,
      height: 154,
    });
  });

  it("layout() lets a gap grow only where a badge sits", () => {
    const g = new GraphWriter();
    g.reads("c", g.reads("b", g.leaf("a")));
    const drawn = draw(g.graph({ c: { above: 20 } }));
    expect(["a", "b", "c"].map((id) => node(drawn, id).y)).toEqual([0, 88, 196]);
  });

  it("layout() lets a gap grow where a line moves far to the side", () => {
    const g = new GraphWriter();
    g.leaf("a");
    g.reads("b", "a");
    g.reads("c", "a");
    const y = (width: number): number => node(draw(g.graph({ c: { width } })), "b").y;
    expect([y(80), y(110)]).toEqual([88, 100]);
  });

  it("layout() keeps chips that are wider than their cards apart", () => {
    const g = new GraphWriter();
    g.leaf("a");
    g.reads("b", "a");
    g.reads("c", "a");
    const drawn = draw(g.graph({ b: { left: 45, right: 45 }, c: { left: 45, right: 45 } }));
    expect(Math.abs(mainLine(node(drawn, "b")) - mainLine(node(drawn, "c")))).toBeGreaterThanOrEqual(200);
    expect(node(drawn, "b").width).toBe(110);
  });

  it("layout() runs a residual beside the main line, from the chip to the side of its reader", () => {
    const g = new GraphWriter();
    g.reads("add", g.leaf("x"), g.reads("f", "x"));
    const drawn = draw(g.graph());
    expect(edge(drawn, "x", "add").isLane).toBe(true);
    expect(corners(edge(drawn, "x", "add"))).toEqual([
      [55, 42],
      [55, 54],
      [134, 54],
      [134, 197],
      [110, 197],
    ]);
    expect(new Set(drawn.nodes.map(mainLine))).toEqual(new Set([55]));
  });

  it("layout() gives a tensor one lane, however many read it", () => {
    const g = new GraphWriter();
    let x = g.leaf("memory");
    for (const step of ["a", "b", "c", "d"]) x = g.reads(step, x, ...(x === "memory" ? [] : ["memory"]));
    const lanes = draw(g.graph()).edges.filter(({ isLane }) => isLane);
    expect(lanes.map(({ target }) => target)).toEqual(["b", "c", "d"]);
    expect(new Set(lanes.map(({ course }) => Math.max(...course.map((point) => point.x)))).size).toBe(1);
  });

  it("layout() gives two tensors of one source two lanes", () => {
    const g = new GraphWriter();
    g.reads("c", g.reads("b", g.leaf("lstm")), "lstm", "lstm");
    g.edges.splice(-1, 1, { id: "h", source: "lstm", target: "c", tensor: "lstm:h" });
    const lanes = draw(g.graph()).edges.filter(({ isLane }) => isLane);
    expect(lanes).toHaveLength(2);
    for (const corner of [1, 3]) expect(new Set(lanes.map(({ course }) => course[corner]?.y)).size).toBe(2);
    expect(new Set(lanes.map(({ course }) => course[2]?.x)).size).toBe(2);
  });

  it("layout() leads a tensor through a port on the border of an open group", () => {
    const g = new GraphWriter();
    g.reads("b", g.reads("g.y", g.reads("g.x", g.leaf("a"))));
    const drawn = draw(g.graph());
    expect(node(drawn, "g")).toMatchObject({ x: 0, y: 88, width: 146, height: 244, anchor: 73, isOpen: true });
    expect(node(drawn, "g.x")).toMatchObject({ x: 18, y: 142, depth: 1 });
    expect(edge(drawn, "a", "g")).toMatchObject({ container: null, toPort: false, ids: ["e0"] });
    expect(edge(drawn, "g", "g.x")).toMatchObject({ container: "g", fromPort: true, ids: ["e0"] });
    expect(corners(edge(drawn, "a", "g"))).toEqual([
      [73, 42],
      [73, 88],
    ]);
    expect(corners(edge(drawn, "g", "g.x"))).toEqual([
      [73, 88],
      [73, 142],
    ]);
  });

  it("layout() keeps the residual inside a group whose input comes from outside", () => {
    const g = new GraphWriter();
    g.leaf("x");
    g.reads("block.add", "x", g.reads("block.f", "x"));
    const drawn = draw(g.graph());
    expect(edge(drawn, "x", "block").ids).toEqual(["e0", "e1"]);
    expect(edge(drawn, "block", "block.add")).toMatchObject({ fromPort: true, isLane: true, ids: ["e1"] });
    const turn = edge(drawn, "block", "block.add").course[1]?.y ?? 0;
    expect(turn - node(drawn, "block").y).toBeGreaterThan(34);
  });

  it("layout() runs the main line to the way out of a group, past a heavier dead end", () => {
    const g = new GraphWriter();
    g.leaf("x");
    g.reads("g.d", g.reads("g.c", g.reads("g.b", "x")));
    g.reads("y", g.reads("g.a", "x"));
    expect(mainLines(draw(g.graph()), "x", "g", "g.a", "y").size).toBe(1);
  });

  it("layout() keeps the ports of a group on the main line, also where nothing inside joins them", () => {
    const g = new GraphWriter();
    g.reads("g.b", g.leaf("x"));
    g.reads("z", g.reads("y", g.leaf("g.made")));
    const drawn = draw(g.graph());
    const ports = [edge(drawn, "x", "g"), edge(drawn, "g", "y")].flatMap(({ course }) => course.map(({ x }) => x));
    expect(new Set(ports).size).toBe(1);
  });

  it("layout() runs the main line in where it comes from outside, past a heavier side input", () => {
    const g = new GraphWriter();
    g.leaf("mask");
    g.reads("embed", g.leaf("words"));
    let x = "mask";
    for (const step of ["a", "b", "c"]) x = g.reads(`g.${step}`, x);
    g.reads("g.join", "embed", x);
    expect(mainLines(draw(g.graph()), "words", "embed", "g", "g.join").size).toBe(1);
  });

  it("layout() brings a side input into a group on the right, away from the title", () => {
    const g = new GraphWriter();
    let x = g.leaf("x");
    g.leaf("mask");
    for (const step of ["a", "b", "c"]) x = g.reads(`g.${step}`, x);
    g.reads("g.d", x, "mask");
    const drawn = draw(g.graph());
    expect(edge(drawn, "mask", "g").course.at(-1)?.x).toBeGreaterThan(mainLine(node(drawn, "g")));
  });

  it("layout() puts a side input on the side where its port is", () => {
    const drawn = draw(transformer(2));
    const port = edge(drawn, "mask", "layers").course.at(-1)?.x ?? 0;
    const main = mainLine(node(drawn, "layers"));
    expect(Math.sign(mainLine(node(drawn, "mask")) - main)).toBe(Math.sign(port - main));
  });

  it("layout() puts a branch of a branch on the same side", () => {
    const g = new GraphWriter();
    let x = g.leaf("x");
    for (const step of ["a", "b", "c", "d", "e", "f"]) x = g.reads(step, x);
    let y = g.reads("left", "x");
    for (const step of ["l1", "l2", "l3"]) y = g.reads(step, y);
    g.reads("join", x, y);
    g.reads("twig", "l1");
    const drawn = draw(g.graph());
    const main = mainLine(node(drawn, "x"));
    expect(Math.sign(mainLine(node(drawn, "twig")) - main)).toBe(Math.sign(mainLine(node(drawn, "l1")) - main));
  });

  it("layout() leads two tensors of a side branch down two lines", () => {
    const g = new GraphWriter();
    let x = g.leaf("x");
    const side = g.reads("side", "x");
    for (const step of ["a", "b", "c", "d"]) x = g.reads(step, x);
    g.reads("e", x, side);
    g.reads("f", "e");
    g.edges.push({ id: "h", source: side, target: "f", tensor: "side:h" });
    const drawn = draw(g.graph());
    expect(longestPiece(edge(drawn, "side", "e"))).not.toBe(longestPiece(edge(drawn, "side", "f")));
  });

  it("layout() leads two tensors to a side branch down two lines", () => {
    const g = new GraphWriter();
    let x = g.leaf("x");
    for (const step of ["a", "b", "c", "d", "e", "f", "g"]) x = g.reads(step, x);
    g.reads("left", "x", "a", "c");
    const drawn = draw(g.graph());
    expect(longestPiece(edge(drawn, "x", "left"))).not.toBe(longestPiece(edge(drawn, "a", "left")));
  });

  it("layout() makes a group at least as wide as its title", () => {
    const g = new GraphWriter();
    g.leaf("g.x");
    const drawn = draw(g.graph({ g: { width: 300 } }));
    expect(node(drawn, "g").width).toBe(300);
    expect(mainLine(node(drawn, "g.x"))).toBe(mainLine(node(drawn, "g")));
  });

  it("layout() draws a closed group as one box, and no line inside it", () => {
    const g = new GraphWriter();
    g.reads("b", g.reads("g.y", g.reads("g.x", g.leaf("a"))));
    const drawn = draw(g.graph(), new Set());
    expect(drawn.nodes.map(({ id, isGroup, isOpen }) => [id, isGroup, isOpen])).toEqual([
      ["a", false, false],
      ["g", true, false],
      ["b", false, false],
    ]);
    expect(drawn.edges.map(({ source, target, ids }) => [source, target, ids])).toEqual([
      ["a", "g", ["e0"]],
      ["g", "b", ["e2"]],
    ]);
  });

  it("layout() takes a group without children for a closed one", () => {
    const size = (): NodeSize => ({ width: 100, height: 30, above: 0, below: 0 });
    const drawn = layout(new GraphIndex([{ id: "g", parent: null, isGroup: true }], []), new Set(["g"]), size);
    expect(drawn.nodes[0]).toMatchObject({ isOpen: false, width: 100, height: 30 });
  });

  it("layout() leads a line that goes back up from the bottom of its source round to the side of its target", () => {
    const g = new GraphWriter();
    g.reads("b", g.leaf("a"));
    g.edges.push({ id: "back", source: "b", target: "a", tensor: "b" });
    expect(corners(edge(draw(g.graph()), "b", "a"))).toEqual([
      [55, 130],
      [55, 142],
      [134, 142],
      [134, 21],
      [110, 21],
    ]);
  });

  it("layout() pulls a side input down to its reader", () => {
    const g = new GraphWriter();
    g.leaf("lengths");
    g.reads("pack", g.reads("b", g.reads("a", g.leaf("words"))), "lengths");
    const drawn = draw(g.graph());
    expect(node(drawn, "lengths").y).toBe(node(drawn, "b").y);
  });

  it("layout() stacks nodes without lines in execution order", () => {
    const g = new GraphWriter();
    for (const id of ["a", "b", "c"]) g.leaf(id);
    expect(draw(g.graph()).nodes.map(({ id, x, y }) => [id, x, y])).toEqual([
      ["a", 0, 0],
      ["b", 0, 88],
      ["c", 0, 176],
    ]);
  });

  it("layout() does not stretch the rows beside a tall open group", () => {
    const at = (step: string): string => `layer1.0.${step}`;
    const graph = resnet50();
    const drawn = draw(graph);
    const steps = ["conv1", "bn1", "relu1"].map((step) => node(drawn, at(step)).y);
    expect(node(drawn, at("downsample")).height).toBeGreaterThan(200);
    expect(steps.map((y) => y - (steps[0] ?? 0))).toEqual([0, 88, 176]);
  });

  it("layout() does not push a chain down beside a tall group on the main line", () => {
    const g = new GraphWriter();
    let x = g.leaf("x");
    for (let i = 0; i < 8; i++) x = g.reads(`encoder.${i}`, x);
    g.reads("decoder", x, g.reads("expand", g.reads("unsqueeze", g.reads("mask", "x"))));
    const drawn = draw(g.graph());
    const ys = ["mask", "unsqueeze", "expand"].map((id) => node(drawn, id).y);
    expect(ys.map((y) => y - node(drawn, "encoder").y)).toEqual([0, 88, 176]);
  });

  it("layout() of the same graph is the same, with a used cache and without", () => {
    const cache = new LayoutCache();
    for (let seed = 1; seed <= 20; seed++) {
      const graph = randomGraph(seed);
      const index = new GraphIndex(graph.nodes, graph.edges);
      const first = layout(index, graph.open, graph.size, defaultOptions, cache);
      expect(layout(index, graph.open, graph.size, defaultOptions, cache)).toEqual(first);
      expect(layout(new GraphIndex(graph.nodes, graph.edges), graph.open, graph.size)).toEqual(first);
    }
  });

  it.each([
    ["links", ["a>b", "b>d", "c>d"], ["a", "b", "c", "d"], {}, {}],
    ["main line", ["a>b", "a>c.1", "b>d", "c.1>d"], ["a", "b", "c.1", "c.2", "d"], {}, {}],
    ["distances", ["a>b", "a>c", "b>d", "c>d"], ["a", "b", "c", "d"], { gap: 50 }, {}],
    ["sizes", ["a>b", "a>c", "b>d", "c>d"], ["a", "b", "c", "d"], {}, { b: { height: 50 } }],
  ])("layout() is not misled by a cache that knows a graph with other %s", (_, arcs, ids, options, sizes) => {
    const write = (leaves: string[], all: string[]): GraphWriter => {
      const g = new GraphWriter();
      for (const id of leaves) g.leaf(id);
      for (const arc of all) g.reads(arc.replace(/.*>/, ""), arc.replace(/>.*/, ""));
      return g;
    };
    const cache = new LayoutCache();
    const known = write(["a", "b", "c", "d"], ["a>b", "a>c", "b>d", "c>d"]).graph();
    layout(new GraphIndex(known.nodes, known.edges), new Set(), known.size, defaultOptions, cache);
    const graph = write(ids, arcs).graph({ c: { width: 110, height: 42 }, ...sizes });
    const index = new GraphIndex(graph.nodes, graph.edges);
    const distances = { ...defaultOptions, ...options };
    expect(layout(index, new Set(), graph.size, distances, cache)).toEqual(
      layout(index, new Set(), graph.size, distances),
    );
  });

  it("layout() places equal blocks once", () => {
    const made: string[] = [];
    class Counting extends LayoutCache {
      override get(...[structure, make]: Parameters<LayoutCache["get"]>): ReturnType<LayoutCache["get"]> {
        return super.get(structure, () => {
          made.push(structure);
          return make();
        });
      }
    }
    const graph = transformer(12);
    layout(new GraphIndex(graph.nodes, graph.edges), allGroups(graph), graph.size, defaultOptions, new Counting());
    expect(graph.nodes.filter(({ isGroup }) => isGroup)).toHaveLength(37);
    expect(made.length).toBeLessThan(10);
  });

  it("layout() of a group that opens or closes is the same with what the last layout left", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const graph = withSteadySizes(randomGraph(seed));
      const index = new GraphIndex(graph.nodes, graph.edges);
      const cache = new LayoutCache();
      layout(index, graph.open, graph.size, defaultOptions, cache);
      for (const { id } of graph.nodes.filter(({ isGroup }) => isGroup)) {
        if (!graph.open.delete(id)) graph.open.add(id);
        const again = layout(index, graph.open, graph.size, defaultOptions, cache);
        expect(again).toEqual(layout(index, graph.open, graph.size));
      }
    }
  });

  it("layout() of a group that opens or closes leaves the groups beside it as they were", () => {
    const graph = withSteadySizes(transformer(12));
    const index = new GraphIndex(graph.nodes, graph.edges);
    const open = allGroups(graph);
    const cache = new LayoutCache();
    layout(index, open, graph.size, defaultOptions, cache);
    const known = cache.nested(index, defaultOptions);
    const before = new Map(known);
    open.delete("layers.3.attention");
    layout(index, open, graph.size, defaultOptions, cache);
    const changed = [...known].filter(([id, nested]) => before.get(id) !== nested).map(([id]) => id);
    expect(changed.sort()).toEqual(["layers", "layers.3", null]);
  });

  it("LayoutCache.get() forgets what was not asked for longest", () => {
    const cache = new LayoutCache(2);
    const made: string[] = [];
    const ask = (structure: string): void => {
      cache.get(structure, () => {
        made.push(structure);
        return { left: 0, right: 0, height: 0, items: [], routes: [] };
      });
    };
    for (const structure of ["a", "b", "a", "c", "a", "b"]) ask(structure);
    expect(made).toEqual(["a", "b", "c", "b"]);
  });
});
