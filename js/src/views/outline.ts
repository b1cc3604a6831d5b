/** The graph as a nested list of words, for those who listen to it. It can be read, and takes no focus. */

import { counted, known } from "../agreement";
import { h } from "../dom";
import type { Scene } from "../scene";
import { label } from "./boxes";

/** More would take longer to build than anybody listens. */
const MOST_LINES = 1000;

/** The outline of a scene. Equal blocks are told once. */
export function outline(scene: Scene): HTMLElement {
  let lines = 0;
  const list = (parent: string | null): HTMLUListElement => {
    const items = h("ul");
    for (const id of scene.index.children(parent)) {
      const layer = scene.layers.get(id);
      if (layer === undefined || lines++ >= MOST_LINES) continue;
      const clashes = scene.into(id).filter((edge) => edge.badge && edge.target === id);
      const words = [label(scene, layer, scene.trouble(id).state), ...clashes.map(({ badge }) => badge)].join(", ");
      const item = h("li", words);
      if (layer.kind === "group" && !scene.folds.has(id)) item.append(list(id));
      items.append(item);
    }
    return items;
  };
  const states = scene.problems.map(({ state }) => state);
  const mismatches = states.filter((state) => known(state) === "mismatch").length;
  const said = [
    mismatches ? counted("mismatch", mismatches) : "",
    states.length > mismatches ? counted("coincidence", states.length - mismatches) : "",
  ].filter(Boolean);
  return h(
    "div.outline",
    { role: "group", "aria-label": "Graph as text" },
    h(
      "p",
      `${scene.graph.title}: ${said.join(", ") || (scene.graph.layers.length ? "all shapes agree" : "nothing was recorded")}.`,
    ),
    list(null),
  );
}
