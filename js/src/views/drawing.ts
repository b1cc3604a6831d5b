/** The elements of a picture. Where there are many boxes, only what is near the view is in the page. */

import { focusedBeside, s } from "../dom";
import type { Point } from "../layout/index";
import { type Box, touches } from "./viewport";

/** From the lowest to the highest. */
const LEVELS = ["frame", "line", "node", "label"] as const;
export type Level = (typeof LEVELS)[number];
export type Made = readonly (readonly [Level, SVGElement])[];

/** A part of a picture. Its elements count from its place. */
export interface Item {
  /** The same for the same part of another picture. */
  readonly key: string;
  readonly at: Point;
  /** The box of the layer or of the line. */
  readonly box: Box;
  /** All that its elements depend on in one scene. */
  look(): string;
  make(): Made;
}

interface Entry {
  readonly item: Item;
  /** Its place in the picture before, where it was in the page then. */
  readonly from: Point | null;
  /** Whether its elements are those from before. */
  readonly isKept: boolean;
  made: Made | null;
}

/** Above so many boxes, what is out of view is left out, and from afar all of them are. */
const MANY_BOXES = 80;
const TOO_MANY_BOXES = 400;
/** Chips and badges may reach this far out of the box of their layer. */
const REACH = 300;
const MOVE_MS = 220;

/** One view's elements; `keepNear` puts in and takes out as the view moves. */
export class Drawing {
  readonly element = s("g.world");
  readonly #levels = new Map(LEVELS.map((level) => [level, s("g")]));
  #entries: Entry[] = [];
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
    const levels = new Map(LEVELS.map((level) => [level, s("g")]));
    for (const { item } of this.#entries) for (const [level, element] of put(item)) levels.get(level)?.append(element);
    return s("g.world", ...levels.values());
  }

  /**
   * Other items, those of one level in their order; none where they are hidden anyway. In a scene that is the same,
   * elements with the same look are moved to where they are now.
   */
  show(items: readonly Item[], boxes: number, isSame: boolean, near: Box, isHidden: boolean): void {
    this.#boxes = boxes;
    const old = new Map(this.#entries.filter(({ made }) => made).map((entry) => [entry.item.key, entry]));
    this.#entries = items.map((item) => {
      const known = old.get(item.key);
      const isKept = known !== undefined && isSame && known.item.look() === item.look();
      if (isKept) old.delete(item.key);
      return { item, from: known?.item.at ?? null, isKept, made: isKept && known.made ? put(item, known.made) : null };
    });
    for (const { made } of old.values()) for (const [, element] of made ?? []) element.remove();
    this.keepNear(near, isHidden);
  }

  /**
   * Make what touches a part of the picture, and take out the rest; what has the focus stays. Gives whether anything
   * was made.
   */
  keepNear(view: Box, isHidden: boolean): boolean {
    const after = new Map<Level, ChildNode | null>(
      LEVELS.map((level) => [level, this.#levels.get(level)?.firstChild ?? null]),
    );
    const [beside, above] = [Math.max(view.width / 2, REACH), Math.max(view.height / 2, REACH)];
    const active = focusedBeside(this.element);
    let isNew = false;
    for (const entry of this.#entries) {
      const isNear = !this.isCulled || (!isHidden && touches(entry.item.box, view, beside, above));
      if (entry.made === null) {
        if (!isNear) continue;
        entry.made = put(entry.item);
        for (const [level, element] of entry.made)
          this.#levels.get(level)?.insertBefore(element, after.get(level) ?? null);
        isNew = true;
      } else {
        for (const [level, element] of entry.made) after.set(level, element.nextSibling);
        if (isNear || entry.made.some(([, element]) => element === active)) continue;
        for (const [, element] of entry.made) element.remove();
        entry.made = null;
      }
    }
    return isNew;
  }

  /** Let boxes, and what else is as it was, glide from their old places, and the rest fade in. `shift` moved the world. */
  glide(shift: Point): void {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const at = ({ x, y }: Point): string => `translate(${x}px, ${y}px)`;
    for (const { item, from, isKept, made } of this.#entries)
      for (const [level, element] of made ?? []) {
        const isGliding = from && (isKept || level === "node");
        const steps = isGliding
          ? [{ transform: at({ x: from.x - shift.x, y: from.y - shift.y }) }, { transform: at(item.at) }]
          : [{ opacity: 0 }, { opacity: 1 }];
        element.animate(steps, { duration: MOVE_MS, easing: isGliding ? "ease-out" : "ease-in" });
      }
  }
}

/** The elements of an item where it stands; new ones where it has none. */
function put(item: Item, made = item.make()): Made {
  for (const [, element] of made) element.setAttribute("transform", `translate(${item.at.x} ${item.at.y})`);
  return made;
}
