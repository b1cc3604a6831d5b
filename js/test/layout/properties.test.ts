import { describe, expect, it } from "vitest";
import { GraphIndex, type Layout, layout } from "../../src/layout/index";
import { flaws } from "./flaws";
import { allGroups, bilstmTagger, type Graph, randomGraph, resnet50, transformer, unet } from "./graphs";

const draw = (graph: Graph, open: Set<string>): { index: GraphIndex; drawn: Layout } => {
  const index = new GraphIndex(graph.nodes, graph.edges);
  return { index, drawn: layout(index, open, graph.size) };
};

/** Real structures, and what stands beside their main line. */
const models: [string, Graph, RegExp][] = [
  ["a BiLSTM tagger", bilstmTagger(), /^(words|embed|lengths|mask|highway.proj)$/],
  ["a ResNet-50", resnet50(), /downsample/],
  ["a transformer of 12 blocks", transformer(12), /(positions|mask|\.k|\.v)$/],
  ["a U-Net of 4 levels", unet(4), /^$/],
];

describe("layout() of random nested graphs", () => {
  const seeds = Array.from({ length: 400 }, (_, place) => place + 1);

  it("has no overlaps, nothing outside its group, no line through a node, and every edge from end to end", () => {
    const found = seeds.flatMap((seed) => {
      const graph = randomGraph(seed);
      const { index, drawn } = draw(graph, graph.open);
      return flaws(index, drawn).map((flaw) => `graph ${seed}: ${flaw}`);
    });
    expect(found).toEqual([]);
  });

  it("covers cycles, lanes, nested open groups and tall groups beside other rows", () => {
    const graphs = seeds.map(randomGraph);
    const layouts = graphs.map((graph) => draw(graph, graph.open).drawn);
    const share = (count: number): number => count / seeds.length;
    const hasCycle = (graph: Graph): boolean =>
      graph.edges.some(({ source, target }) => Number(source.slice(1)) > Number(target.slice(1)));
    expect(share(graphs.filter(hasCycle).length)).toBeGreaterThan(0.2);
    expect(share(layouts.filter(({ edges }) => edges.some(({ isLane }) => isLane)).length)).toBeGreaterThan(0.5);
    expect(share(layouts.filter(({ nodes }) => nodes.some(({ depth }) => depth > 1)).length)).toBeGreaterThan(0.3);
    expect(share(layouts.filter(hasTallGroup).length)).toBeGreaterThan(0.1);
  });
});

/** Whether another node starts and ends while a group beside it goes on. */
function hasTallGroup({ nodes }: Layout): boolean {
  return nodes.some((group) =>
    nodes.some(
      (other) =>
        group.isOpen &&
        other.depth === group.depth &&
        other.y > group.y + 60 &&
        other.y + other.height < group.y + group.height,
    ),
  );
}

describe.each(models)("layout() of %s", (_, graph, beside) => {
  it.each([
    ["all groups open", allGroups(graph)],
    ["all groups closed", new Set<string>()],
  ])("has no flaws with %s", (_, open) => {
    const { index, drawn } = draw(graph, open);
    expect(flaws(index, drawn)).toEqual([]);
  });

  it("keeps the main line straight through all open groups", () => {
    const { drawn } = draw(graph, allGroups(graph));
    const main = drawn.nodes.filter(({ id }) => !beside.test(id));
    expect(main.length).toBeGreaterThan(drawn.nodes.length / 2);
    const lines = new Set(main.map(({ x, anchor }) => x + anchor));
    expect(lines.size).toBe(1);
    const isMain = (id: string): boolean => !beside.test(id);
    const along = drawn.edges.filter(
      ({ isLane, ...edge }) => !isLane && [edge.source, edge.target, edge.tensor].every(isMain),
    );
    expect(along.length).toBeGreaterThan(main.length / 2);
    expect(new Set(along.flatMap(({ course }) => course.map(({ x }) => x)))).toEqual(lines);
  });
});

describe("flaws()", () => {
  const graph = bilstmTagger();
  const spoil = (change: (drawn: Layout) => unknown): string => {
    const { index, drawn } = draw(graph, allGroups(graph));
    change(drawn);
    return flaws(index, drawn).join("; ");
  };
  const node = (drawn: Layout, id: string): Layout["nodes"][number] =>
    drawn.nodes.find((one) => one.id === id) ?? expect.fail(id);

  it("tells of overlaps", () => {
    expect(spoil((drawn) => Object.assign(node(drawn, "crf"), { y: node(drawn, "tags").y }))).toContain(
      "crf and tags overlap",
    );
  });

  it("tells of a child outside its group", () => {
    expect(spoil((drawn) => Object.assign(node(drawn, "head.fc2"), { y: 0 }))).toContain("head.fc2 sticks out");
  });

  it("tells of a line through a node", () => {
    expect(spoil((drawn) => Object.assign(node(drawn, "encoder"), { x: node(drawn, "mask").x }))).toContain(
      "runs through encoder",
    );
  });

  it("tells of a line that ends in the air", () => {
    expect(
      spoil((drawn) => Object.assign(node(drawn, "tags"), { height: 30, y: node(drawn, "tags").y + 10 })),
    ).toContain('[null,"crf","tags","crf"] does not end at tags');
  });

  it("tells of an edge that is not drawn", () => {
    expect(spoil((drawn) => drawn.edges.splice(3, 1))).toContain("is not drawn from");
  });

  it("tells of a place that is no number", () => {
    expect(spoil((drawn) => Object.assign(node(drawn, "pack"), { x: Number.NaN }))).toContain("pack has no place");
  });
});
