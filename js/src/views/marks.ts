/** What is selected, searched for, pointed at or switched off in the legend, as classes of the drawn elements. */

import { known } from "../agreement";
import type { Scene } from "../scene";

export class Marks {
  selection = "";
  /** The edge under the pointer. */
  hovered = "";
  /** States and tones that the legend has switched off. */
  readonly #hidden = new Set<string>();
  isSearching = false;
  /** The layers that were searched for. */
  found: ReadonlySet<string> = new Set();
  /** The groups that hold what was found. */
  #around: ReadonlySet<string> = new Set();

  /** Look for a text in ids and classes; gives the layers that have it. */
  search(scene: Scene | null, query: string): string[] {
    const wanted = query.trim().toLowerCase();
    this.isSearching = wanted !== "";
    const all = this.isSearching && scene ? [...scene.layers.values()] : [];
    const found = all
      .filter(({ id, type }) => !scene?.folds.has(id) && `${id}\n${type}`.toLowerCase().includes(wanted))
      .map(({ id }) => id);
    this.found = new Set(found);
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
    for (const element of drawing.querySelectorAll<SVGElement>("[data-edge], [data-layer], [data-tensor], [data-of]")) {
      const { edge, layer, of } = element.dataset;
      const { classList } = element;
      classList.toggle("swg-selected", this.selection !== "" && this.#isSelected(scene, element.dataset));
      if (layer !== undefined) {
        const isOpen = element.getAttribute("aria-expanded") === "true";
        classList.toggle("swg-dim", this.#isDim(scene, layer));
        classList.toggle("swg-found", this.isFound(layer, isOpen));
        classList.toggle("swg-end", !isOpen && hovered.has(layer));
        element.setAttribute("tabindex", layer === focused ? "0" : "-1");
      } else if (edge !== undefined) {
        const isAside = this.isSearching && !scene.ends(edge).some((id) => this.found.has(id));
        classList.toggle("swg-dim", isAside || this.#hidden.has(known(scene.edges.get(edge)?.state ?? "agree")));
      } else if (of !== undefined) classList.toggle("swg-dim", this.#isDim(scene, of));
    }
  }

  /** Whether a box is searched for, or closed over what is. */
  isFound(id: string, isOpen: boolean): boolean {
    return this.found.has(id) || (!isOpen && this.#around.has(id));
  }

  /** Whether a box was switched off, or is not what is searched for and does not hold it. */
  #isDim(scene: Scene, id: string): boolean {
    const isAside = this.isSearching && !this.found.has(id) && !this.#around.has(id);
    return isAside || this.#hidden.has(scene.colouring.of(id)?.tone ?? "");
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
