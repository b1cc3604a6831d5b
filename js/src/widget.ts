/** The graph view: puts the parts together and keeps them in step with the model. */

import { h } from "./dom";
import { type HostModel, Traits } from "./model";
import styles from "./styles.css";
import { watchTheme } from "./theme";
import { GraphPicture } from "./views/graph";
import { Legend } from "./views/legend";
import { problemPanel, statusLine } from "./views/messages";
import { Panel } from "./views/panel";
import { Toolbar } from "./views/toolbar";

function render({ model, el }: { model: HostModel; el: HTMLElement }): () => void {
  const traits = new Traits(model);
  const root = h("div", {
    class: "swg",
    "data-lm-suppress-shortcuts": "true",
    role: "region",
    "aria-label": "Shape graph",
  });
  const select = (id: string): void => traits.set("selection", id);
  const picture = new GraphPicture(root, {
    select,
    open: (groups) => traits.setLater("view_state", { version: 1, open: [...groups] }),
  });
  const go = (id: string): void => {
    select(id);
    if (id) picture.reveal(id);
  };
  const panel = new Panel(go);
  const nextProblem = (step: 1 | -1): void => {
    const problems = picture.scene?.problems() ?? [];
    const at = problems.findIndex((edge) => edge.id === traits.get("selection"));
    const next = problems[at < 0 ? 0 : (at + step + problems.length) % problems.length];
    if (next) go(next.id);
  };
  const toolbar = new Toolbar({
    nextProblem,
    search: (query) => {
      const found = picture.search(query);
      if (found.length === 1 && found[0]) picture.reveal(found[0]);
      return found.length;
    },
    openAll: (isOpen) => picture.openAll(isOpen),
    fit: () => picture.fit(),
    zoom: (factor) => picture.viewport.zoom(factor),
  });
  const legend = new Legend((state) => picture.toggle(state));
  const status = statusLine();
  const problem = problemPanel(() => problem.show(null));
  const waiting = h("div", { class: "swg-waiting" }, "Running the model once…");
  const main = h("div", { class: "swg-main" }, picture.element, panel.element);
  root.append(h("style", {}, styles), toolbar.element, status.element, problem.element, waiting, main, legend.element);
  el.append(root);

  let drawn: unknown = null;
  const showSelection = (): void => {
    picture.select(traits.get("selection"));
    if (picture.scene) panel.show(picture.scene, traits.get("selection"), traits.get("sizes"));
  };
  const showGraph = (): void => {
    const graph = traits.get("graph");
    drawn = graph;
    root.classList.toggle("swg-is-waiting", graph === null);
    if (graph === null) return;
    picture.show(graph, traits.get("tensors"), traits.get("view_state").open);
    if (picture.scene) toolbar.show(graph, picture.scene);
    legend.show(graph);
    showSelection();
  };
  const showSizes = (): void => {
    picture.update(traits.get("tensors"));
    showSelection();
  };
  traits.onChange(["graph", "tensors", "sizes"], () => {
    if (traits.get("graph") === drawn) showSizes();
    else showGraph();
  });
  traits.onChange(["view_state"], () => {
    const { open } = traits.get("view_state");
    if (open !== null && !traits.isWaiting("view_state")) picture.follow(open);
  });
  traits.onChange(["selection"], showSelection);
  traits.onChange(["status"], () => status.show(traits.get("status")));
  traits.onChange(["problem"], () => problem.show(traits.get("problem")));
  const setHeight = (): void => root.style.setProperty("--swg-height", `${traits.get("height")}px`);
  traits.onChange(["height"], setHeight);

  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "n" || event.key === "p") nextProblem(event.key === "n" ? 1 : -1);
    else if (event.key === "/") toolbar.focusSearch();
    else if (event.key === "Escape") go("");
    else return;
    event.preventDefault();
  });

  const stopTheme = watchTheme(model, (theme) => root.setAttribute("data-theme", theme));
  const resized = new ResizeObserver(() => picture.resized());
  resized.observe(picture.element);
  setHeight();
  status.show(traits.get("status"));
  problem.show(traits.get("problem"));
  showGraph();

  return () => {
    resized.disconnect();
    stopTheme();
    picture.dispose();
    traits.dispose();
    root.remove();
  };
}

export default { render };
