import { describe, expect, it } from "vitest";
import elmo from "../../tests/fixtures/wire/elmo.json";
import tagger from "../../tests/fixtures/wire/tagger.json";
import translator from "../../tests/fixtures/wire/translator.json";
import { roomOf } from "../src/cards";
import type { WireLayer } from "../src/contract.gen";
import { badge, chips } from "../src/labels";
import type { Scene } from "../src/scene";
import { sceneOf, type Wire } from "./scenes";

const layerOf = ({ graph }: Wire, id: string): WireLayer => graph.layers.find((layer) => layer.id === id)!;

describe("a chip", () => {
  const scene = sceneOf(elmo);

  it("is there only where the shape is news", () => {
    const leaves = [...scene.layers.values()].filter((layer) => layer.kind !== "group");
    expect(leaves.filter(({ id }) => chips(scene, id).shown.length).map(({ id }) => id)).toEqual([
      "char_ids",
      "bilm.encoder.embedding",
      "bilm.encoder.convolve",
      "bilm.encoder.projection",
      "bilm.cat",
      "tagger.head.projection",
      "tagger.head.out",
    ]);
  });

  it("shows symbols, sizes and the axis that clashes further down", () => {
    expect(chips(scene, "bilm.cat").shown[0]).toMatchObject({
      symbols: "(B, T, 2·dim)",
      sizes: "4 × 20 × 1024",
      axis: 2,
      state: "mismatch",
    });
  });

  it("of a closed group is that of what leaves it", () => {
    expect(chips(scene, "bilm").shown[0]).toMatchObject({ symbols: "(B, T, 2·dim)", axis: 2 });
    expect(chips(scene, "bilm.encoder.highway").shown).toEqual([]);
  });

  it("shows sizes alone where the axes are not solved", () => {
    const unsolved = sceneOf(tagger, ({ tensors }) => {
      for (const tensor of tensors) tensor.symbols = [];
    });
    expect(chips(unsolved, "ids").shown[0]).toMatchObject({ symbols: "(4, 10)", sizes: "" });
  });

  it("says so where nothing reached it", () => {
    expect(chips(sceneOf(translator), "decoder.out").shown[0]?.state).toBe("unreached");
  });

  it("is that of any other tensor where only the reader was not reached", () => {
    const cut = sceneOf(tagger, (wire) => {
      wire.graph.edges[2]!.state = "unreached";
      layerOf(wire, "head").state = "unreached";
    });
    expect(chips(cut, "encoder.lstm").shown[0]?.state).toBe("agree");
    expect(chips(cut, "encoder").shown[0]?.state).toBe("agree");
  });

  it("is not there for a tensor that never was", () => {
    const cut = sceneOf(tagger, ({ graph }) => {
      graph.edges[3]!.tensor = -1;
    });
    expect(chips(cut, "head").shown).toEqual([]);
    expect(cut.symbolic(-1)).toBe("?");
  });

  it("says what a tensor without axes is", () => {
    const scalar = sceneOf(tagger, ({ tensors }) => {
      tensors[0]!.shape = [];
      tensors[0]!.symbols = [];
    });
    expect([scalar.symbolic(0), scalar.numeric(0)]).toEqual(["()", "scalar"]);
  });
});

describe("the chips of a layer with several outputs", () => {
  const symbols = ["B, T, 2·hidden", "2, B, hidden", "2, B, cell", "B, T"].map((text) => text.split(", "));

  /** A tagger whose LSTM gives some further tensors, which the output reads. */
  const lstm = (further: number): Scene =>
    sceneOf(tagger, ({ graph, tensors }) => {
      const model = graph.edges[3]!;
      for (let place = 1; place <= further; place++) {
        const tensor = tensors.length;
        tensors.push({ ...tensors[2]!, shape: symbols[place]!.map(() => 4), symbols: symbols[place]! });
        graph.edges.push({ ...model, id: `further ${place}`, source: "encoder.lstm", target: "output", tensor });
      }
    });
  const shown = (scene: Scene, id: string): string[] => chips(scene, id).shown.map((chip) => chip.symbols);

  it("say each shape that is read further on, the clashing one first", () => {
    expect(shown(lstm(1), "encoder.lstm")).toEqual(["(B, T, 2·hidden)", "(2, B, hidden)"]);
    expect(chips(lstm(1), "encoder.lstm").shown.map((chip) => chip.state)).toEqual(["mismatch", "agree"]);
    expect(shown(lstm(1), "encoder")).toEqual(["(B, T, 2·hidden)", "(2, B, hidden)"]);
  });

  it("leave out what nobody reads", () => {
    const scene = sceneOf(tagger, (wire) => layerOf(wire, "encoder.lstm").outputs.push(0));
    expect(shown(scene, "encoder.lstm")).toEqual(["(B, T, 2·hidden)"]);
  });

  it("say equal shapes once", () => {
    const scene = sceneOf(tagger, ({ graph, tensors }) => {
      tensors.push({ ...tensors[2]! });
      graph.edges.push({ ...graph.edges[3]!, id: "chunk", source: "encoder.lstm", target: "output", tensor: 4 });
    });
    expect(shown(scene, "encoder.lstm")).toEqual(["(B, T, 2·hidden)"]);
  });

  it("are two at most, and the number of the others", () => {
    const { shown, more } = chips(lstm(3), "encoder.lstm");
    expect([shown.length, more]).toEqual([2, 2]);
    const rooms = [0, 1, 3].map((further) => roomOf(lstm(further), "encoder.lstm", false, "down").below);
    expect(rooms).toEqual([...new Set(rooms)].sort((one, other) => one - other));
  });
});

describe("a badge", () => {
  it("says what clashes worst, and how many others do", () => {
    const scene = sceneOf(tagger, ({ graph }) => {
      const model = graph.edges[2]!;
      graph.edges.unshift({ ...model, id: "luck", state: "coincidence", badge: "B = 32 = hidden" });
    });
    expect(badge(scene, "head")).toMatchObject({
      text: "✕ 2·hidden = 64 ≠ 32 · 1 more",
      state: "mismatch",
      all: ["B = 32 = hidden", "2·hidden = 64 ≠ 32"],
    });
    expect(badge(scene, "head")?.edge.id).toBe("encoder.lstm:0 → head:0");
  });

  it("is not there without a clash, and stands on a closed group for those inside", () => {
    expect(badge(sceneOf(tagger), "encoder.lstm")).toBeNull();
    expect(badge(sceneOf(elmo), "tagger")?.text).toBe("✕ 2·dim = 1024 ≠ 512");
  });
});

describe("trouble", () => {
  it("of a closed group is the worst inside it, however deep, and its number", () => {
    const scene = sceneOf(elmo);
    expect(scene.trouble("tagger")).toEqual({ state: "mismatch", count: 1 });
    expect(scene.trouble("bilm")).toMatchObject({ state: "agree" });
    expect(sceneOf(translator).trouble("decoder")).toEqual({ state: "unreached", count: 3 });
  });
});

describe("edges of a group", () => {
  it("are those that cross its border", () => {
    const scene = sceneOf(elmo);
    expect(scene.into("bilm").map((edge) => edge.source)).toEqual(["char_ids"]);
    expect(scene.outOf("bilm.encoder").map((edge) => edge.target)).toEqual([
      "bilm.forward_stack.0",
      "bilm.backward_stack.0",
    ]);
  });
});

describe("firstOpen", () => {
  it("opens the way to every problem, from both ends", () => {
    expect([...sceneOf(elmo).firstOpen()]).toEqual(expect.arrayContaining(["bilm", "tagger", "tagger.head"]));
  });

  it("opens no group that was only not reached", () => {
    const open = sceneOf(translator).firstOpen();
    expect([...open].sort()).toEqual(["bridge", "encoder"]);
  });

  it("opens the way to a problem however large the picture gets, and then no more", () => {
    const many = (wire: Wire): void => {
      const model = layerOf(wire, "tagger.head.dropout");
      for (let place = 0; place < 60; place++)
        wire.graph.layers.push({ ...model, id: `tagger.head.${place}`, outputs: [], inputs: [] });
    };
    expect([...sceneOf(elmo, many).firstOpen()].sort()).toEqual(["bilm", "tagger", "tagger.head"]);
  });
});

describe("problems", () => {
  it("has mismatches first, then coincidences, each in the order of the run", () => {
    const scene = sceneOf(elmo, ({ graph }) => {
      graph.edges[1]!.state = "coincidence";
      graph.edges[3]!.state = "mismatch";
      graph.edges[4]!.state = "coincidence";
      graph.edges[5]!.state = "unreached";
    });
    const places = scene.problems.map(({ id }) => scene.graph.edges.findIndex((edge) => edge.id === id));
    const cat = scene.graph.edges.findIndex((edge) => edge.target === "tagger.head.projection");
    expect(places).toEqual([3, cat, 1, 4]);
  });

  it("has findings that no line shows, at their layer or by themselves", () => {
    const scene = sceneOf(tagger, ({ graph }) => {
      const [finding] = graph.findings;
      graph.findings.push({ ...finding!, edges: [], layer: "encoder.lstm", severity: "coincidence" });
      graph.findings.push({ ...finding!, edges: [], layer: "", place: "the data loader" });
      graph.findings.push({ ...finding!, edges: [], layer: "encoder", severity: "note" });
    });
    expect(scene.problems.map(({ id }) => id)).toEqual([scene.graph.edges[2]!.id, "finding 2", "encoder.lstm"]);
    expect(scene.trouble("encoder.lstm").state).toBe("coincidence");
    expect(scene.trouble("encoder")).toEqual({ state: "coincidence", count: 1 });
  });
});

describe("the size of a box", () => {
  it("is bounded however long its names are", () => {
    const long = "x".repeat(3000);
    const scene = sceneOf(tagger, (wire) => {
      layerOf(wire, "head").name = long;
      layerOf(wire, "head").type = long;
      layerOf(wire, "encoder").name = long;
      layerOf(wire, "encoder").type = long;
      wire.graph.edges[2]!.badge = long;
      for (const tensor of wire.tensors) tensor.symbols = tensor.symbols.map(() => long);
    });
    for (const { width, left = 0, right = 0 } of ["head", "encoder", "encoder.lstm", "ids"].map((id) =>
      roomOf(scene, id, false, "down"),
    ))
      expect(left + width + right).toBeLessThan(1000);
    expect(roomOf(scene, "encoder", true, "down").width).toBeLessThan(1000);
  });

  it("has room for a badge above and a chip below only where they are", () => {
    const scene = sceneOf(elmo);
    const plain = roomOf(scene, "tagger.head.dropout", false, "down");
    const clashing = roomOf(scene, "tagger.head.projection", false, "down");
    expect([plain.above, plain.below]).toEqual([0, 0]);
    expect(clashing.above).toBeGreaterThan(0);
    expect(clashing.below).toBeGreaterThan(0);
  });
});

describe("a graph that does not hold together", () => {
  it("is drawn without the edges and parents that it lacks", () => {
    const scene = sceneOf(tagger, ({ graph }) => {
      graph.edges[0]!.source = "gone";
      graph.layers[2]!.parent = "gone";
    });
    expect(scene.edges.size).toBe(3);
    expect(scene.index.chain("encoder.embedding")).toEqual(["encoder.embedding"]);
  });
});
