/** Panning and zooming of an SVG. A plain wheel and a single finger belong to the notebook until the view has the focus. */

import { focusedBeside, on } from "../dom";
import type { Direction } from "../layout/types";

const SMALLEST = 0.0005;
const LARGEST = 2.5;
const CLICK_DISTANCE = 4;
const ENDS = ["pointerup", "pointercancel"] as const;

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Whether two boxes touch, the second with a margin around it. */
export function touches(box: Box, other: Box, beside = 0, above = 0): boolean {
  return (
    box.x <= other.x + other.width + beside &&
    box.x + box.width >= other.x - beside &&
    box.y <= other.y + other.height + above &&
    box.y + box.height >= other.y - above
  );
}

/** Where a pointer is, in the page. */
type Place = Pick<MouseEvent, "clientX" | "clientY">;

/** The transform between the picture and the screen. */
export class Viewport {
  x = 0;
  y = 0;
  scale = 1;
  width = 0;
  height = 0;
  /** What the map takes at the right or below. */
  #reserved = { width: 0, height: 0 };
  /** Whether the pointer was dragged since it went down, so that what follows is no click. */
  wasDragged = false;
  /** Whether a person has moved the picture, so that a new size of the view does not fit it again. */
  wasMoved = false;
  readonly #pointers = new Map<number, PointerEvent>();
  readonly #svg: SVGSVGElement;
  readonly #changed: () => void;

  constructor(svg: SVGSVGElement, root: HTMLElement, changed: () => void, hint: (text: string) => void) {
    this.#svg = svg;
    this.#changed = changed;
    const hasFocus = (): boolean => root.contains(focusedBeside(root));
    on(svg, "pointerdown", (event) => {
      this.#pointers.set(event.pointerId, event);
      if (this.#pointers.size === 2) this.#pinch();
      // One finger scrolls the notebook until the view has the focus, as the wheel does.
      else if (event.button === 0 && (event.pointerType !== "touch" || hasFocus())) this.#drag(event);
    });
    on(svg, ENDS, (event) => this.#pointers.delete(event.pointerId));
    on(
      svg,
      "wheel",
      (event) => {
        if (!hasFocus() && !event.ctrlKey && !event.metaKey) return hint("Click the graph to zoom with the wheel");
        event.preventDefault();
        event.stopPropagation();
        // A pinch sends small steps, a wheel steps of a hundred.
        const speed = event.ctrlKey && Math.abs(event.deltaY) < 50 ? 0.01 : 0.0016;
        const { x, y } = this.onScreen(event);
        this.zoom(Math.exp(-event.deltaY * speed), x, y);
      },
      { passive: false },
    );
  }

  /** Where a pointer is in the view. */
  onScreen({ clientX, clientY }: Place): { x: number; y: number } {
    const { left, top } = this.#svg.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  /** Move by so many pixels of the picture. */
  shift(x: number, y: number): void {
    this.x += x * this.scale;
    this.y += y * this.scale;
    this.#changed();
  }

  /** Take the size of the view as it is now; asking for it more often would lay out the page again and again. */
  measure(): void {
    this.width = this.#svg.clientWidth - this.#reserved.width;
    this.height = this.#svg.clientHeight - this.#reserved.height;
  }

  /** Keep so much of the view free, at the right and below. */
  reserve(width: number, height: number): void {
    this.width += this.#reserved.width - width;
    this.height += this.#reserved.height - height;
    this.#reserved = { width, height };
  }

  /** The part of the picture that is in view. */
  shown(): Box {
    const { x, y, scale, width, height } = this;
    return { x: -x / scale, y: -y / scale, width: width / scale, height: height / scale };
  }

  /** Scale by a factor, as a person asked; the point under (x, y) of the screen stays there. */
  zoom(factor: number, x = this.width / 2, y = this.height / 2): void {
    this.wasMoved = true;
    const scale = Math.min(LARGEST, Math.max(SMALLEST, this.scale * factor));
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.#changed();
  }

  /** Show all of a box, no larger than life. */
  fit(box: Box, margin = 28): void {
    if (this.width === 0) return;
    const wide = (this.width - 2 * margin) / Math.max(box.width, 1);
    const high = (this.height - 2 * margin) / Math.max(box.height, 1);
    this.scale = Math.min(1, Math.max(SMALLEST, Math.min(wide, high)));
    this.x = this.width / 2 - (box.x + box.width / 2) * this.scale;
    this.y = Math.max(margin, this.height / 2 - (box.height / 2) * this.scale) - box.y * this.scale;
    this.#changed();
  }

  /** Show the beginning of a picture of some thickness: its main line in the middle, but all of it where it has room. */
  startAt(line: number, thickness: number, scale: number, direction: Direction, margin = 28): void {
    if (this.width === 0) return;
    const isDown = direction === "down";
    const room = isDown ? this.width : this.height;
    const most = room - margin - thickness * scale;
    const middle = room / 2 - line * scale;
    const aside = most < margin ? middle : Math.max(margin, Math.min(most, middle));
    this.scale = scale;
    this.x = isDown ? aside : margin;
    this.y = isDown ? margin : aside;
    this.#changed();
  }

  /** Bring a point of the picture to the middle, at a scale at which it can be read. */
  centre(x: number, y: number, least = 0.85): void {
    if (this.width === 0) return;
    this.scale = Math.max(this.scale, least);
    this.x = this.width / 2 - x * this.scale;
    this.y = this.height / 2 - y * this.scale;
    this.#changed();
  }

  /** Two fingers move and scale what lies under them. */
  #pinch(): void {
    const fingers = (): { x: number; y: number; apart: number } => {
      const [one, other] = [...this.#pointers.values()].map((pointer) => this.onScreen(pointer));
      if (!one || !other) return { x: 0, y: 0, apart: 1 };
      const apart = Math.max(1, Math.hypot(one.x - other.x, one.y - other.y));
      return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, apart };
    };
    let before = fingers();
    this.wasDragged = true;
    this.#follow((event) => {
      if (!this.#pointers.has(event.pointerId) || this.#pointers.size !== 2) return;
      this.#pointers.set(event.pointerId, event);
      const now = fingers();
      this.x += now.x - before.x;
      this.y += now.y - before.y;
      this.zoom(now.apart / before.apart, now.x, now.y);
      before = now;
    });
  }

  #drag(start: PointerEvent): void {
    const [viewX, viewY] = [this.x, this.y];
    this.wasDragged = false;
    this.#follow((event) => {
      if (this.#pointers.size !== 1) return;
      const [x, y] = [event.clientX - start.clientX, event.clientY - start.clientY];
      if (!this.wasDragged && Math.hypot(x, y) < CLICK_DISTANCE) return;
      if (!this.wasDragged) this.#svg.setPointerCapture(start.pointerId);
      this.wasDragged = true;
      this.wasMoved = true;
      this.x = viewX + x;
      this.y = viewY + y;
      this.#changed();
    });
  }

  /** Call back for every move until a pointer goes up. */
  #follow(move: (event: PointerEvent) => void): void {
    const over = new AbortController();
    const { signal } = over;
    on(this.#svg, "pointermove", move, { signal });
    on(this.#svg, ENDS, () => over.abort(), { signal });
  }
}
