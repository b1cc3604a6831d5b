import type { WireGraph, WireTensor } from "../src/contract.gen";
import { Scene } from "../src/scene";

export interface Wire {
  readonly graph: WireGraph;
  readonly tensors: WireTensor[];
}

/** A scene of the fixture with some changes; every character is seven pixels wide. */
export function sceneOf(fixture: unknown, change: (wire: Wire) => void = () => undefined): Scene {
  const wire = structuredClone(fixture) as Wire;
  change(wire);
  return new Scene(wire.graph, wire.tensors, (text) => 7 * text.length);
}
