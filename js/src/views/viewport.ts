/** Panning and zooming of an SVG. A plain wheel belongs to the notebook until the view has the focus. */

const SMALLEST = 0.05;
const LARGEST = 2.5;
const CLICK_DISTANCE = 4;

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The transform between the picture and the screen. */
export class Viewport {
  x = 0;
  y = 0;
  scale = 1;
  /** Whether the pointer was dragged since it went down, so that what follows is no click. */
  wasDragged = false;
  /** Whether a person has moved the picture, so that a new size of the view does not fit it again. */
  wasMoved = false;
  readonly #svg: SVGSVGElement;
  readonly #changed: () => void;

  constructor(svg: SVGSVGElement, root: HTMLElement, changed: () => void, hint: () => void) {
    this.#svg = svg;
    this.#changed = changed;
    svg.addEventListener("pointerdown", (event) => this.#drag(event));
    svg.addEventListener(
      "wheel",
      (event) => {
        const hasFocus = root.contains(root.ownerDocument.activeElement);
        if (!hasFocus && !event.ctrlKey && !event.metaKey) return hint();
        event.preventDefault();
        event.stopPropagation();
        const { left, top } = svg.getBoundingClientRect();
        // A pinch sends small steps, a wheel steps of a hundred.
        const speed = event.ctrlKey && Math.abs(event.deltaY) < 50 ? 0.01 : 0.0016;
        this.zoom(Math.exp(-event.deltaY * speed), event.clientX - left, event.clientY - top);
      },
      { passive: false },
    );
  }

  get width(): number {
    return this.#svg.clientWidth;
  }

  get height(): number {
    return this.#svg.clientHeight;
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

  /** Show the top of the picture, with this x in the middle. */
  startAt(x: number, scale: number, margin = 28): void {
    if (this.width === 0) return;
    this.scale = scale;
    this.x = this.width / 2 - x * scale;
    this.y = margin;
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

  #drag(start: PointerEvent): void {
    if (start.button !== 0) return;
    const [fromX, fromY, viewX, viewY] = [start.clientX, start.clientY, this.x, this.y];
    this.wasDragged = false;
    const move = (event: PointerEvent): void => {
      const [x, y] = [event.clientX - fromX, event.clientY - fromY];
      if (!this.wasDragged && Math.hypot(x, y) < CLICK_DISTANCE) return;
      if (!this.wasDragged) this.#svg.setPointerCapture(start.pointerId);
      this.wasDragged = true;
      this.wasMoved = true;
      this.x = viewX + x;
      this.y = viewY + y;
      this.#changed();
    };
    const end = (): void => {
      this.#svg.removeEventListener("pointermove", move);
      this.#svg.removeEventListener("pointerup", end);
      this.#svg.removeEventListener("pointercancel", end);
    };
    this.#svg.addEventListener("pointermove", move);
    this.#svg.addEventListener("pointerup", end);
    this.#svg.addEventListener("pointercancel", end);
  }
}
