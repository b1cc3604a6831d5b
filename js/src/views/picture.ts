/** The picture of the graph: draws what is open, near or from afar, and brings parts of it into view. */

import { colouring } from "../colouring";
import type { ColourBy, WireGraph, WireTensor } from "../contract.gen";
import { focusedBeside, h } from "../dom";
import type { Direction, PlacedNode, Point } from "../layout/index";
import { Placing } from "../placing";
import { Scene } from "../scene";
import { Drawing } from "./drawing";
import { Afar } from "./far";
import { items, linesOf } from "./items";
import { Marks } from "./marks";
import { measurer } from "./measure";
import { Minimap } from "./minimap";
import { svgText } from "./save";
import { keepTitles, titlesAbove } from "./titles";
import type { Viewport } from "./viewport";

/** The scale below which texts are too small to be read, and that below which a large graph is drawn from afar. */
const READABLE = 0.75;
const FAR = 0.42;

/** One view's picture. `show` takes a new graph, `update` new sizes of the same one. */
export class Picture {
  readonly afar: Afar;
  readonly drawing = new Drawing();
  readonly marks = new Marks();
  readonly map: Minimap;
  /** The open groups around the middle of the view whose titles are above it. */
  readonly where = h("div.where", { "aria-hidden": "true" });
  readonly #viewport: Viewport;
  readonly #opened: (groups: readonly string[]) => void;
  readonly #measure = measurer();
  readonly #placing = new Placing();
  scene: Scene | null = null;
  #hasMap = false;
  /** Whether the map shows the layout as it is. */
  #isMapped = false;
  /** What a person went to, until the picture is moved. */
  #revealed = "";
  #isFitted = false;
  #focus = "";
  #frame = 0;

  /** Draws into `drawing` and `afar`; tells which groups a person has opened. */
  constructor(viewport: Viewport, opened: (groups: readonly string[]) => void) {
    this.#viewport = viewport;
    this.#opened = opened;
    this.map = new Minimap(viewport);
    this.afar = new Afar(viewport, this.#placing);
  }

  get nodes(): readonly PlacedNode[] {
    return this.#placing.nodes;
  }

  get direction(): Direction {
    return this.#placing.direction;
  }

  /** Draw another graph. Groups stay open where a person chose them, else those with problems are. */
  show(
    graph: WireGraph,
    tensors: readonly WireTensor[],
    chosen: readonly string[] | null,
    direction: Direction,
    by: ColourBy,
  ): void {
    this.#viewport.measure();
    const isFirst = this.scene === null || this.scene.graph.title !== graph.title;
    const scene = new Scene(graph, tensors, this.#measure);
    this.scene = scene;
    scene.colouring = colouring(scene, by);
    this.#placing.direction = direction;
    if (isFirst) this.#placing.open = chosen === null ? scene.firstOpen() : new Set(chosen);
    this.#drawAnew();
    if (isFirst) this.home();
  }

  /** New sizes of the same tensors. */
  update(tensors: readonly WireTensor[]): void {
    if (this.scene === null) return;
    this.scene.tensors = tensors;
    this.#drawAnew();
  }

  /** Let the colours say something else. */
  colour(by: ColourBy): void {
    if (this.scene === null) return;
    this.scene.colouring = colouring(this.scene, by);
    this.marks.clear();
    this.#drawAnew();
  }

  /** Let the data flow another way. */
  turn(direction: Direction): void {
    if (direction === this.direction) return;
    this.#placing.direction = direction;
    this.#drawAnew();
    this.home();
  }

  /** Open the groups that were chosen elsewhere: in another view, or in the kernel. */
  follow(chosen: readonly string[]): void {
    const { open } = this.#placing;
    if (chosen.length === open.size && chosen.every((id) => open.has(id))) return;
    this.#placing.open = new Set(chosen);
    this.#place();
    this.#draw();
  }

  // -- what is in view -----------------------------------------------------------------------------------------------

  /** The first problem in the middle, or else the whole graph, or its beginning where all of it would be too small. */
  home(): void {
    const problem = this.scene?.problems[0];
    this.fit();
    this.#isFitted = false;
    if (this.#viewport.scale >= READABLE) return;
    const { width, height } = this.#placing.layout;
    const [room, thickness] =
      this.direction === "down" ? [this.#viewport.width, width] : [this.#viewport.height, height];
    // As large as the whole thickness is in view, if it can be read then.
    const scale = Math.max(READABLE, Math.min(1, (room - 56) / thickness));
    if (problem !== undefined && this.#placing.shown(problem.id)) this.#centre(problem.id, scale);
    else this.#viewport.startAt(this.#placing.mainLine, thickness, scale, this.direction);
  }

  /** Keep in view what was, in a view of another size, unless a person has moved the picture. */
  resized(): void {
    this.#viewport.measure();
    this.#fitMap();
    this.#later();
    if (this.#viewport.wasMoved) return;
    if (this.#revealed) this.#centre(this.#revealed);
    else if (this.#isFitted) this.fit();
    else this.home();
  }

  /** The whole graph, also in a view of another size. */
  fit(): void {
    this.#revealed = "";
    this.#isFitted = true;
    this.#viewport.wasMoved = false;
    const { width, height } = this.#placing.layout;
    this.#viewport.fit({ x: 0, y: 0, width, height });
    if (this.isFar) this.afar.makeRoom();
  }

  /** Open what hides a layer or an edge, and bring it to the middle. */
  reveal(id: string): void {
    if (this.scene === null) return;
    const { open } = this.#placing;
    const hiding = this.scene.around(id).filter((group) => !open.has(group));
    if (hiding.length) {
      this.#choose([...open, ...hiding]);
      this.#draw();
    }
    this.#revealed = id;
    this.#viewport.wasMoved = false;
    this.#centre(id);
  }

  #centre(id: string, scale = 0): void {
    const node = this.#placing.shown(id);
    const isEdge = this.scene?.edges.has(id);
    if (node)
      this.#viewport.centre(
        node.x + node.width / 2,
        node.y + Math.min(node.height, 60) / 2 - (isEdge ? 24 : 0),
        Math.max(0.85, scale),
      );
  }

  /** From afar, bring what is at a point of the screen to the middle, or else beside it; gives the box there. */
  goNear(point: Point): string {
    const { width, height } = this.#placing.layout;
    const at = this.afar.toPicture(point);
    const [x, y] = [Math.max(0, Math.min(width, at.x)), Math.max(0, Math.min(height, at.y))];
    this.#viewport.wasMoved = true;
    this.#viewport.centre(x, y);
    const node = this.#placing.at(x, y);
    return node && !node.isOpen ? node.id : "";
  }

  get isFar(): boolean {
    return this.#viewport.scale < FAR;
  }

  // -- open and close ------------------------------------------------------------------------------------------------

  openAll(isOpen: boolean): void {
    const groups = [...(this.scene?.layers.values() ?? [])].filter((layer) => layer.kind === "group");
    this.#choose(isOpen ? groups.map((layer) => layer.id) : []);
    this.#draw();
    this.fit();
  }

  #choose(groups: readonly string[]): void {
    this.#placing.open = new Set(groups);
    this.#opened(groups);
    this.#place();
  }

  /** Open a closed group or close an open one; its header stays where it is on the screen. */
  toggle(id: string): void {
    const { open, direction } = this.#placing;
    const place = ({ x, y, anchor }: PlacedNode): { x: number; y: number } =>
      direction === "down" ? { x: x + anchor, y } : { x, y };
    const before = this.#placing.node(id);
    this.#viewport.wasMoved = true;
    this.#choose(open.has(id) ? [...open].filter((group) => group !== id) : [...open, id]);
    const after = this.#placing.node(id);
    if (!before || !after) return;
    const shift = { x: place(before).x - place(after).x, y: place(before).y - place(after).y };
    this.#viewport.shift(shift.x, shift.y);
    this.#draw(true);
    this.drawing.glide(shift);
  }

  // -- drawing -------------------------------------------------------------------------------------------------------

  /** Draw boxes that may have other texts than before. */
  #drawAnew(): void {
    this.#placing.forgetRooms();
    this.#place();
    this.#draw();
  }

  #place(): void {
    if (this.scene) this.#placing.place(this.scene);
    this.#fitMap();
  }

  /** The room of the map is settled before anything is brought into view. */
  #fitMap(): void {
    this.#hasMap = this.map.fit(this.#placing.layout, this.direction);
    this.#isMapped = false;
  }

  /** Draw the layout; boxes with the same texts as before may stay. */
  #draw(isSame = false): void {
    const { scene, direction, nodes } = this;
    if (scene === null) return;
    const hadFocus = this.drawing.element.contains(focusedBeside(this.drawing.element));
    // Without any focus for a moment, the styles of the whole picture would be worked out once more.
    if (hadFocus) this.drawing.element.ownerSVGElement?.focus({ preventScroll: true });
    const lines = linesOf(scene, this.#placing.layout);
    this.afar.show(scene, lines);
    const parts = items(scene, nodes, lines, direction);
    this.drawing.show(parts, nodes.length, isSame, this.#viewport.shown(), this.isFar);
    this.mark();
    this.#drawFar();
    this.#later();
    if (hadFocus) this.focusOn(this.focused);
  }

  /** Dim what does not match, and show where the rest is; gives the layers that match. */
  search(query: string): string[] {
    const found = this.marks.search(this.scene, query);
    this.mark();
    this.#isMapped = false;
    this.#later();
    return found;
  }

  mark(): void {
    if (this.scene) this.marks.apply(this.drawing.element, this.scene, this.focused);
  }

  /** The view has moved. */
  moved(): void {
    const { x, y, scale } = this.#viewport;
    this.drawing.element.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    this.#later();
  }

  /** What a person does not wait for is drawn once a frame. */
  #later(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#drawNear();
      const shown = this.#viewport.shown();
      keepTitles(this.drawing.element, this.#placing, shown.x);
      this.where.textContent = this.scene && !this.isFar ? titlesAbove(this.scene, this.#placing, shown) : "";
      this.#drawFar();
      this.#drawMap();
    });
  }

  #drawMap(): void {
    const { scene } = this;
    if (scene && this.#hasMap && !this.#isMapped) {
      this.#isMapped = true;
      const found = [...this.marks.found].map((id) => ({ id, state: "agree" as const }));
      const ticks = this.marks.isSearching ? found : scene.problems;
      this.map.show(this.afar.outlines(scene), ticks, (id) => this.#placing.shown(id));
    }
    this.map.move();
  }

  /** What has come into view is drawn; what has left it is not. */
  #drawNear(): void {
    if (this.drawing.isCulled && this.drawing.keepNear(this.#viewport.shown(), this.isFar)) this.mark();
  }

  #drawFar(): void {
    const { element } = this.drawing;
    const svg = element.ownerSVGElement;
    // From afar no box can have the focus.
    if (this.isFar && element.contains(focusedBeside(element))) svg?.focus({ preventScroll: true });
    svg?.setAttribute("tabindex", this.isFar ? "0" : "-1");
    element.classList.toggle("swg-off", this.isFar);
    this.afar.draw(this.isFar, this.marks);
  }

  /** The whole picture as an SVG document; it is in the page while its styles are read. */
  svg(): string {
    const whole = this.drawing.whole();
    this.drawing.element.parentElement?.append(whole);
    const { width, height } = this.#placing.layout;
    const text = svgText(whole, width, height);
    whole.remove();
    return text;
  }

  // -- focus ---------------------------------------------------------------------------------------------------------

  /** The box that Tab leads to. */
  get focused(): string {
    return this.#placing.node(this.#focus) ? this.#focus : (this.nodes[0]?.id ?? "");
  }

  set focused(id: string) {
    this.#focus = id;
  }

  focusOn(id: string): void {
    this.#focus = id;
    this.#drawNear();
    this.#drawFar();
    this.mark();
    this.drawing.element.querySelector<SVGElement>(`[data-layer="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
  }

  dispose(): void {
    cancelAnimationFrame(this.#frame);
  }
}
