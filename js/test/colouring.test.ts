import { describe, expect, it } from "vitest";
import elmo from "../../tests/fixtures/wire/elmo.json";
import { colouring } from "../src/colouring";
import { bytes, seconds } from "../src/units";
import { sceneOf } from "./scenes";

const KIB = 1024;

describe("colours by memory", () => {
  const scene = sceneOf(elmo, ({ graph }) => {
    let memory = 0;
    for (const layer of graph.layers) if (layer.kind === "layer") layer.memory = KIB * memory++;
  });
  const by = colouring(scene, "memory");
  const measured = [...scene.layers.values()].filter((layer) => layer.memory !== undefined);

  it("have five steps up to the largest layer, with their unit", () => {
    expect(by.title).toBe("Kept for the backward pass");
    expect(by.legend.map(({ label }) => label)).toEqual([
      "to 369 B",
      "to 1.44 KiB",
      "to 3.24 KiB",
      "to 5.76 KiB",
      "to 9 KiB",
    ]);
    const steps = measured.map(({ id }) => Number(by.of(id)?.tone.slice(-1)));
    expect(steps).toEqual([...steps].sort());
    expect([steps[0], steps.at(-1)]).toEqual([0, 4]);
  });

  it("give a group the sum of what is in it", () => {
    const inside = measured.filter(({ id }) => id.startsWith("bilm.")).reduce((sum, layer) => sum + layer.memory!, 0);
    expect(by.of("bilm")?.label).toBe(bytes(inside));
    expect(by.of("bilm.cat")).toBeNull();
  });

  it("say that nothing was measured where it was not", () => {
    expect(colouring(sceneOf(elmo), "time")).toMatchObject({
      title: "Time of the forward pass: not measured yet",
      legend: [],
    });
  });
});

describe("colours by dtype", () => {
  it("have one for each dtype that a layer gives, the most frequent first", () => {
    const scene = sceneOf(elmo);
    const by = colouring(scene, "dtype");
    expect(by.legend).toEqual([
      { tone: "kind-0", label: "float32" },
      { tone: "kind-1", label: "int64" },
    ]);
    expect(by.of("char_ids")).toEqual({ tone: "kind-1", label: "int64" });
    expect(by.of("output")).toBeNull();
  });
});

describe("bytes and seconds", () => {
  it("have three digits and a unit", () => {
    expect([0, 7, 1023, 1024, 1536, 158_000_000, 3 * 2 ** 40].map(bytes)).toEqual([
      "0 B",
      "7 B",
      "1023 B",
      "1 KiB",
      "1.5 KiB",
      "151 MiB",
      "3 TiB",
    ]);
    expect([0, 4.2e-6, 0.001, 0.01234, 3.5].map(seconds)).toEqual(["0 µs", "4.2 µs", "1 ms", "12.3 ms", "3.5 s"]);
  });
});
