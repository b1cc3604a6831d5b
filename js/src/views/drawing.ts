/** The elements of a picture. Where there are many boxes, only what is near the view is in the page. */

import { s } from "../dom";
import type { Box } from "./viewport";

/** From the lowest to the highest. */
const LEVELS = ["frame", "line", "node", "label"] as const;

export interface Item {
  readonly level: (typeof LEVELS)[number];
  /** The box of the layer that it belongs to, or of the line. */
  readonly box: Box;
  make(): SVGElement;
}

/** Above so many boxes, what is out of view is left out, and from afar all of them are. */
const MANY_BOXES = 80;
const TOO_MANY_BOXES = 400;
/** Chips and badges may reach this far out of the box of their layer. */
const REACH = 300;

/** One view's elements; `keepNear` puts in and takes out as the view moves. */
export class Drawing {
  readonly element = s("g", { class: "swg-world" });
  readonly #levels = new Map(LEVELS.map((level) => [level, s("g")]));
  #items: { readonly item: Item; element: SVGElement | null }[] = [];
  #boxes = 0;

  constructor() {
    this.element.append(...this.#levels.values());
  }

  /** Whether elements come and go with the view. */
  get isCulled(): boolean {
    return this.#boxes > MANY_BOXES;
  }

  /** Whether the boxes are too many to be drawn all at once. */
  get isLarge(): boolean {
    return this.#boxes > TOO_MANY_BOXES;
  }

  /** A copy with all elements, whether in view or not. */
  whole(): SVGGElement {
    const groups = LEVELS.map((level) =>
      s("g", {}, ...this.#items.filter(({ item }) => item.level === level).map(({ item }) => item.make())),
    );
    return s("g", { class: "swg-world" }, ...groups);
  }

  /** Other elements, those of one level in their order; none where they are hidden anyway. */
  show(items: readonly Item[], near: Box, isHidden: boolean): void {
    this.#items = items.map((item) => ({ item, element: null }));
    this.#boxes = items.filter((item) => item.level === "node").length;
    for (const level of this.#levels.values()) level.replaceChildren();
    this.keepNear(near, isHidden);
  }

  /**
   * Make what touches a part of the picture, and take out the rest; what has the focus stays. Gives whether anything
   * was made.
   */
  keepNear(view: Box, isHidden: boolean): boolean {
    const after = new Map<string, ChildNode | null>(
      LEVELS.map((level) => [level, this.#levels.get(level)?.firstChild ?? null]),
    );
    const active = document.activeElement;
    let isNew = false;
    for (const entry of this.#items) {
      const isNear = !this.isCulled || (!isHidden && touches(entry.item.box, view));
      if (!isNear && entry.element === null) continue;
      const { level } = entry.item;
      if (entry.element === null) {
        entry.element = entry.item.make();
        this.#levels.get(level)?.insertBefore(entry.element, after.get(level) ?? null);
        isNew = true;
      } else {
        after.set(level, entry.element.nextSibling);
        if (isNear || entry.element === active) continue;
        entry.element.remove();
        entry.element = null;
      }
    }
    return isNew;
  }
}

function touches(box: Box, view: Box): boolean {
  const [x, y] = [Math.max(view.width / 2, REACH), Math.max(view.height / 2, REACH)];
  return (
    box.x <= view.x + view.width + x &&
    box.x + box.width >= view.x - x &&
    box.y <= view.y + view.height + y &&
    box.y + box.height >= view.y - y
  );
}
