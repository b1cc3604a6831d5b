/** A word at the lower edge of the graph that goes away by itself. */

import { h } from "../dom";

const SHOWN_MS = 1400;

export class Hint {
  readonly element = h("div.hint", { "aria-hidden": "true" });
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(text: string): void {
    this.element.textContent = text;
    this.element.classList.add("swg-on");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.element.classList.remove("swg-on"), SHOWN_MS);
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }
}
