import { describe, expect, it } from "vitest";
import { GraphIndex, type LayoutEdge, type LayoutNode } from "../../src/layout/index";
import { randomGraph } from "./graphs";

const leaves = (...ids: string[]): LayoutNode[] => ids.map((id) => ({ id, parent: null, isGroup: false }));
const edges = (...pairs: string[]): LayoutEdge[] =>
  pairs.map((pair, place) => ({
    id: `e${place}`,
    source: pair.charAt(0),
    target: pair.charAt(1),
    tensor: pair.charAt(0),
  }));

describe("GraphIndex", () => {
  it("children(null) lists the nodes at the top in execution order where no edge says otherwise", () => {
    expect(new GraphIndex(leaves("c", "a", "b"), []).children(null)).toEqual(["c", "a", "b"]);
  });

  it("children(null) puts a reader after what it reads, although it was listed first", () => {
    expect(new GraphIndex(leaves("d", "a", "b"), edges("ad", "bd")).children(null)).toEqual(["a", "b", "d"]);
  });

  it("children(null) lists what becomes ready at once in execution order", () => {
    expect(new GraphIndex(leaves("a", "b", "c", "d"), edges("ad", "ac")).children(null)).toEqual(["a", "b", "c", "d"]);
  });

  it("children(null) starts a cycle with its first node in execution order", () => {
    expect(new GraphIndex(leaves("a", "b", "c"), edges("ab", "bc", "ca")).children(null)).toEqual(["a", "b", "c"]);
  });

  it("children(null) passes over a line from a node to itself", () => {
    expect(new GraphIndex(leaves("a", "b"), edges("aa")).children(null)).toEqual(["a", "b"]);
  });

  it("children(id) lists what is directly inside a group, and nothing for a leaf", () => {
    const nodes = [
      { id: "g", parent: null, isGroup: true },
      { id: "h", parent: "g", isGroup: true },
      { id: "x", parent: "h", isGroup: false },
    ];
    const index = new GraphIndex(nodes, []);
    expect(index.children("g")).toEqual(["h"]);
    expect(index.children("x")).toEqual([]);
  });

  it("chain(id) names the groups around a node from the outside in", () => {
    const nodes = [
      { id: "x", parent: "h", isGroup: false },
      { id: "h", parent: "g", isGroup: true },
      { id: "g", parent: null, isGroup: true },
    ];
    expect(new GraphIndex(nodes, []).chain("x")).toEqual(["g", "h", "x"]);
  });

  it("order(id) puts a group where its first leaf stands", () => {
    const nodes = [
      ...leaves("a"),
      { id: "g", parent: null, isGroup: true },
      { id: "x", parent: "g", isGroup: false },
      ...leaves("b"),
    ];
    const index = new GraphIndex(nodes, edges("ab", "bx"));
    expect([index.order("a"), index.order("b"), index.order("g"), index.order("x")]).toEqual([1, 2, 3, 3]);
    expect(index.children(null)).toEqual(["a", "b", "g"]);
  });

  it("leafCount(id) counts the leaves at any depth", () => {
    const nodes = [{ id: "g", parent: null, isGroup: true }, { id: "h", parent: "g", isGroup: true }, ...leaves("z")];
    const inside = ["h", "h", "g"].map((parent, place) => ({ id: `x${place}`, parent, isGroup: false }));
    const index = new GraphIndex([...nodes, ...inside], []);
    expect([index.leafCount("g"), index.leafCount("h"), index.leafCount("z")]).toEqual([3, 2, 1]);
  });

  it("order(id) respects every edge of a graph without cycles", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { nodes, edges } = randomGraph(seed);
      const place = new Map(nodes.map((node, index) => [node.id, index]));
      const forward = edges.filter(({ source, target }) => (place.get(source) ?? 0) < (place.get(target) ?? 0));
      const index = new GraphIndex([...nodes].reverse(), forward);
      for (const { source, target } of forward) expect(index.order(source)).toBeLessThan(index.order(target));
    }
  });

  it("throws where an edge ends at no node, and names it", () => {
    expect(() => new GraphIndex(leaves("a"), edges("ab"))).toThrow('"b" is not one of the 1 nodes');
  });

  it("throws where a group is inside itself", () => {
    const nodes = [
      { id: "g", parent: "h", isGroup: true },
      { id: "h", parent: "g", isGroup: true },
    ];
    expect(() => new GraphIndex(nodes, [])).toThrow('"g" is inside itself: g < h');
  });
});
