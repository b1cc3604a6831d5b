/** What is selected, searched for, pointed at or switched off in the legend, as classes of the drawn elements. */

import { known } from "../agreement";
import type { Scene } from "../scene";

export class Marks {
  selection = "";
  /** The edge under the pointer. */
  hovered = "";
  /** States and tones that the legend has switched off. */
  readonly #hidden = new Set<string>();
  #isSearching = false;
  #found: ReadonlySet<string> = new Set();
  /** The groups that hold what was found. */
  #around: ReadonlySet<string> = new Set();

  /** Look for a text in ids and classes; gives the layers that have it. */
  search(scene: Scene | null, query: string): string[] {
    const wanted = query.trim().toLowerCase();
    this.#isSearching = wanted !== "";
    const all = this.#isSearching && scene ? [...scene.layers.values()] : [];
    const found = all
      .filter(({ id, type }) => !scene?.folds.has(id) && `${id}\n${type}`.toLowerCase().includes(wanted))
      .map(({ id }) => id);
    this.#found = new Set(found);
    this.#around = new Set(found.flatMap((id) => scene?.index.chain(id).slice(0, -1) ?? []));
    return found;
  }

  /** Switch a state or a tone off, or on again; gives whether it is on. */
  toggle(kind: string): boolean {
    if (!this.#hidden.delete(kind)) this.#hidden.add(kind);
    return !this.#hidden.has(kind);
  }

  /** Nothing is switched off any more. */
  clear(): void {
    this.#hidden.clear();
  }

  /** Put the classes on; `focused` is the box that Tab leads to. */
  apply(drawing: Element, scene: Scene, focused: string): void {
    const hovered = new Set(scene.ends(this.hovered).flatMap((id) => scene.index.chain(id)));
    for (const element of drawing.querySelectorAll<SVGElement>("[data-edge], [data-layer], [data-tensor]")) {
      const { edge, layer } = element.dataset;
      const { classList } = element;
      classList.toggle("swg-selected", this.selection !== "" && this.#isSelected(scene, element.dataset));
      if (layer !== undefined) {
        const isOpen = element.getAttribute("aria-expanded") === "true";
        const isFound = this.#found.has(layer) || (!isOpen && this.#around.has(layer));
        const isOff = this.#hidden.has(scene.colouring.of(layer)?.tone ?? "");
        classList.toggle("swg-dim", isOff || (this.#isSearching && !isFound && !this.#around.has(layer)));
        classList.toggle("swg-found", this.#isSearching && isFound);
        classList.toggle("swg-end", !isOpen && hovered.has(layer));
        element.setAttribute("tabindex", layer === focused ? "0" : "-1");
      } else if (edge !== undefined) {
        classList.toggle("swg-dim", this.#hidden.has(known(scene.edges.get(edge)?.state ?? "agree")));
      }
    }
  }

  /** With an edge, the chip of its tensor and the badge at its end are selected too. */
  #isSelected(scene: Scene, { layer, edge, tensor, at }: DOMStringMap): boolean {
    if (this.selection === (edge ?? layer)) return true;
    const selected = scene.edges.get(this.selection);
    if (selected === undefined) return false;
    if (tensor !== undefined) return tensor === String(selected.tensor);
    return at !== undefined && selected.badge !== "" && scene.index.chain(selected.target).includes(at);
  }
}
