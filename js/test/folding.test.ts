import { describe, expect, it } from "vitest";
import tagger from "../../tests/fixtures/wire/tagger.json";
import type { WireEdge, WireLayer } from "../src/contract.gen";
import type { Scene } from "../src/scene";
import { sceneOf, type Wire } from "./scenes";

/** A chain of blocks, each with a linear layer and a sum that reads the block's own input. */
function blocks(count: number, change: (layers: WireLayer[], edges: WireEdge[]) => void = () => undefined): Scene {
  return sceneOf(tagger, ({ graph, tensors }: Wire) => {
    const [input, group, , , leaf] = graph.layers;
    const model = graph.edges[0]!;
    const layers: WireLayer[] = [{ ...input!, id: "x", outputs: [0] }];
    const edges: WireEdge[] = [];
    for (let place = 0; place < count; place++) {
      const block = `h.${place}`;
      const before = place ? `h.${place - 1}/add#1` : "x";
      layers.push({ ...group!, id: block, name: String(place), type: "Block", state: "agree" });
      for (const [name, type] of [
        ["fc", "Linear"],
        ["add", "add"],
      ] as const) {
        const id = name === "fc" ? `${block}.fc` : `${block}/add#1`;
        layers.push({ ...leaf!, id, parent: block, name, type, state: "agree", inputs: [0], outputs: [0] });
      }
      for (const [source, target] of [
        [before, `${block}.fc`],
        [`${block}.fc`, `${block}/add#1`],
        [before, `${block}/add#1`],
      ] as const)
        edges.push({ ...model, id: `${source} → ${target}`, source, target, tensor: 0, state: "agree", badge: "" });
    }
    change(layers, edges);
    Object.assign(graph, { layers, edges, findings: [] });
    tensors.splice(1);
  });
}

const folds = (scene: Scene): string[] => [...scene.folds.values()].map(({ layer }) => `${layer.name}: ${layer.type}`);

describe("a run of equal blocks", () => {
  it("is its first block and a closed group of the others", () => {
    const scene = blocks(12);
    expect(folds(scene)).toEqual(["1 … 11: 11 × Block"]);
    expect(scene.index.children(null)).toEqual(["x", "h.0", "h.1 … h.11"]);
    expect(scene.index.children("h.1 … h.11")).toHaveLength(11);
    expect([...scene.firstOpen()]).toEqual(["h.0"]);
  });

  it("is not folded where it has two members", () => {
    expect(folds(blocks(2))).toEqual([]);
    expect(folds(blocks(3))).toEqual(["1 … 2: 2 × Block"]);
  });

  it("lets a block with a problem fall out, and begins anew behind it", () => {
    const scene = blocks(12, (_, edges) => {
      const broken = edges.find((edge) => edge.target === "h.7/add#1");
      Object.assign(broken!, { state: "mismatch", badge: "96 ≠ 128" });
      for (const edge of edges) if (/^h\.(8|9|10|11)/.test(edge.target)) edge.assumed = true;
    });
    expect(folds(scene)).toEqual(["1 … 6: 6 × Block", "9 … 11: 3 × Block"]);
    expect([...scene.firstOpen()]).toContain("h.7");
    expect(scene.trouble("h.1 … h.6").state).toBe("agree");
  });

  it.each([
    ["a declared size", (layers: WireLayer[]) => Object.assign(layers[8]!, { signature: "3 → 4" })],
    ["an inner line", (_: WireLayer[], edges: WireEdge[]) => edges.splice(7, 1)],
    ["a state", (layers: WireLayer[]) => Object.assign(layers[8]!, { state: "unreached" })],
    ["a layer", (layers: WireLayer[]) => Object.assign(layers[8]!, { type: "Conv1d" })],
  ])("ends where %s is another", (_, change) => {
    expect(folds(blocks(6, change))).toEqual(["4 … 5: 2 × Block"]);
  });

  it("with a problem in each shows it in the first, and counts it in the others", () => {
    const scene = blocks(6, (_, edges) => {
      for (const edge of edges) if (edge.target.endsWith("add#1")) edge.state = "coincidence";
    });
    expect(scene.trouble("h.1 … h.5")).toEqual({ state: "coincidence", count: 10 });
    expect(scene.firstOpen().has("h.1 … h.5")).toBe(false);
    expect(scene.problems).toHaveLength(12);
  });
});
