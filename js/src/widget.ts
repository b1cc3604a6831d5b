/** The graph view: puts the parts together and keeps them in step with the model. */

import { inflated, isBuffer } from "./buffers";
import type { WireGraph, WireViewState } from "./contract.gen";
import { h, on } from "./dom";
import { type HostModel, Traits } from "./model";
import bars from "./styles/bars.css";
import base from "./styles/base.css";
import graphStyles from "./styles/graph.css";
import panelStyles from "./styles/panel.css";
import { watchTheme } from "./theme";
import { GraphFrame } from "./views/graph";
import { Legend } from "./views/legend";
import { MONO, SANS } from "./views/measure";
import { problemPanel, statusLine } from "./views/messages";
import { outline } from "./views/outline";
import { Panel } from "./views/panel";
import { download, png } from "./views/save";
import { Toolbar } from "./views/toolbar";

function render({ model, el }: { model: HostModel; el: HTMLElement }): () => void {
  const traits = new Traits(model);
  const root = h("div", {
    class: "swg",
    style: `--sans:${SANS};--mono:${MONO}`,
    "data-lm-suppress-shortcuts": "true",
    role: "region",
    "aria-label": "Shape graph",
  });
  const select = (id: string): void => traits.set("selection", id);
  const frame = new GraphFrame(root, { select, open: (groups) => keep({ open: [...groups] }) });
  const { picture, viewport } = frame;
  /** What a person chose of the view, told to the kernel once it has settled. */
  const keep = (change: Partial<WireViewState>): void => {
    chosen = { ...chosen, ...change };
    traits.setLater("view_state", chosen);
  };
  let chosen = traits.get("view_state");
  const go = (id: string): void => {
    select(id);
    if (id) picture.reveal(id);
  };
  const panel = new Panel(go);
  const nextProblem = (step: 1 | -1): void => {
    const problems = picture.scene?.problems ?? [];
    const at = problems.findIndex(({ id }) => id === traits.get("selection"));
    const next = problems[at < 0 ? 0 : (at + step + problems.length) % problems.length];
    if (next) go(next.id);
  };
  const toolbar = new Toolbar({
    nextProblem,
    search: (query, isDone) => {
      const found = frame.search(query);
      const next = found[(found.indexOf(traits.get("selection")) + 1) % found.length];
      if (next !== undefined && isDone) go(next);
      else if (next !== undefined && found.length === 1) picture.reveal(next);
      return found.length;
    },
    openAll: (isOpen) => picture.openAll(isOpen),
    turn: () => {
      picture.turn(picture.direction === "down" ? "right" : "down");
      keep({ direction: picture.direction });
    },
    fit: () => picture.fit(),
    zoom: (factor) => viewport.zoom(factor),
    fullScreen: () => void (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()),
    save: (kind) => void save(kind),
  });
  const save = async (kind: "svg" | "png"): Promise<void> => {
    const svg = picture.svg();
    const name = `${picture.scene?.graph.title || "graph"}.${kind}`;
    download(name, kind === "png" ? await png(svg) : new Blob([svg], { type: "image/svg+xml" }));
  };
  const legend = new Legend({
    toggle: (kind) => frame.toggle(kind),
    colourBy: (by) => traits.set("colour_by", by),
    go,
  });
  const words = h("div", {});
  const status = statusLine();
  const problem = problemPanel(() => problem.show(null));
  const waiting = h("div", { class: "swg-waiting" }, "Running the model once…");
  const main = h("div", { class: "swg-main" }, frame.element, panel.element);
  root.append(
    h("style", {}, base, bars, graphStyles, panelStyles),
    toolbar.element,
    status.element,
    problem.element,
    waiting,
    main,
    legend.element,
    words,
  );
  el.append(root);

  /** The graph as it came, and whether it is still being read. */
  let drawn: unknown = null;
  let isComing = false;
  const showSelection = (): void => {
    frame.select(traits.get("selection"));
    if (picture.scene) panel.show(picture.scene, traits.get("selection"), traits.get("sizes"));
  };
  const draw = (graph: WireGraph): void => {
    isComing = false;
    root.classList.remove("swg-is-waiting");
    chosen = traits.get("view_state");
    picture.show(graph, traits.get("tensors"), chosen.open, chosen.direction ?? "down", traits.get("colour_by"));
    showScene();
  };
  const showGraph = (): void => {
    const graph = traits.get("graph");
    drawn = graph;
    isComing = isBuffer(graph);
    root.classList.toggle("swg-is-waiting", graph === null || (isComing && picture.scene === null));
    if (isBuffer(graph)) void inflated(graph).then((read) => drawn === graph && draw(read as WireGraph));
    else if (graph) draw(graph);
  };
  let telling: ReturnType<typeof setTimeout> | undefined;
  const showScene = (): void => {
    if (picture.scene === null) return;
    toolbar.show(picture.scene);
    legend.show(picture.scene, traits.get("colour_by"));
    // It is long, and nobody waits for it.
    const { scene } = picture;
    clearTimeout(telling);
    telling = setTimeout(() => words.replaceChildren(outline(scene)));
    showSelection();
  };
  const showSizes = (): void => {
    picture.update(traits.get("tensors"));
    showSelection();
  };
  traits.onChange(["graph", "tensors", "sizes"], () => {
    if (traits.get("graph") !== drawn) showGraph();
    else if (!isComing) showSizes();
  });
  traits.onChange(["view_state"], () => {
    if (traits.isWaiting("view_state")) return;
    chosen = traits.get("view_state");
    picture.turn(chosen.direction ?? "down");
    if (chosen.open !== null) picture.follow(chosen.open);
  });
  traits.onChange(["colour_by"], () => {
    picture.colour(traits.get("colour_by"));
    if (picture.scene) legend.show(picture.scene, traits.get("colour_by"));
  });
  traits.onChange(["selection"], showSelection);
  traits.onChange(["status"], () => status.show(traits.get("status")));
  traits.onChange(["problem"], () => problem.show(traits.get("problem")));
  const setHeight = (): void => root.style.setProperty("--height", `${traits.get("height")}px`);
  traits.onChange(["height"], setHeight);

  on(root, "keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "n" || event.key === "p") nextProblem(event.key === "n" ? 1 : -1);
    else if (event.key === "/") toolbar.focusSearch();
    else if (event.key === "Escape") go("");
    else return;
    event.preventDefault();
  });

  const stopTheme = watchTheme(model, (theme) => root.setAttribute("data-theme", theme));
  const resized = new ResizeObserver(() => picture.resized());
  resized.observe(frame.element);
  setHeight();
  status.show(traits.get("status"));
  problem.show(traits.get("problem"));
  showGraph();

  return () => {
    resized.disconnect();
    drawn = null;
    stopTheme();
    clearTimeout(telling);
    frame.dispose();
    traits.dispose();
    root.remove();
  };
}

export default { render };
