/** The picture of the graph: lays out what is open, and draws it near or from afar. */

import { roomOf } from "../cards";
import { colouring } from "../colouring";
import type { ColourBy, WireGraph, WireTensor } from "../contract.gen";
import { s } from "../dom";
import {
  type Direction,
  type Layout,
  LayoutCache,
  layout,
  type NodeSize,
  type PlacedNode,
  turned,
} from "../layout/index";
import { Scene } from "../scene";
import { TITLE_LEFT } from "./boxes";
import { Drawing } from "./drawing";
import { drawn, names, type Outlines, outlines } from "./far";
import { items, type Line, linesOf } from "./items";
import { Marks } from "./marks";
import { measurer } from "./measure";
import { Minimap } from "./minimap";
import { animate } from "./motion";
import { svgText } from "./save";
import type { Viewport } from "./viewport";

/** The scale below which texts are too small to be read, and that below which a large graph is drawn from afar. */
const READABLE = 0.75;
const FAR = 0.42;

/** One view's picture. `show` takes a new graph, `update` new sizes of the same one. */
export class Picture {
  readonly far = s("g", { class: "swg-afar" });
  readonly drawing = new Drawing();
  readonly marks = new Marks();
  readonly map: Minimap;
  readonly #viewport: Viewport;
  readonly #opened: (groups: readonly string[]) => void;
  readonly #measure = measurer();
  readonly #cache = new LayoutCache();
  scene: Scene | null = null;
  direction: Direction = "down";
  #open = new Set<string>();
  #placed: Layout = { nodes: [], edges: [], width: 0, height: 0 };
  #nodes = new Map<string, PlacedNode>();
  #lines: readonly Line[] = [];
  #outlines: Outlines | null = null;
  /** What the map shows. */
  #mapped: Layout | null = null;
  #rooms = new Map<string, NodeSize>();
  /** What a person went to, until the picture is moved. */
  #revealed = "";
  #focus = "";
  #frame = 0;

  /** Draws into `drawing` and `far`; tells which groups a person has opened. */
  constructor(viewport: Viewport, opened: (groups: readonly string[]) => void) {
    this.#viewport = viewport;
    this.#opened = opened;
    this.map = new Minimap(viewport);
  }

  get nodes(): readonly PlacedNode[] {
    return this.#placed.nodes;
  }

  /** Draw another graph. Groups stay open where a person chose them, else those with problems are. */
  show(graph: WireGraph, tensors: readonly WireTensor[], chosen: readonly string[] | null, by: ColourBy): void {
    const isFirst = this.scene === null || this.scene.graph.title !== graph.title;
    this.scene = new Scene(graph, tensors, this.#measure);
    this.scene.colouring = colouring(this.scene, by);
    if (isFirst) this.#open = chosen === null ? this.scene.firstOpen() : new Set(chosen);
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
    this.direction = direction;
    this.#drawAnew();
    this.home();
  }

  /** Open the groups that were chosen elsewhere: in another view, or in the kernel. */
  follow(chosen: readonly string[]): void {
    if (chosen.length === this.#open.size && chosen.every((id) => this.#open.has(id))) return;
    this.#open = new Set(chosen);
    this.#draw();
  }

  // -- what is in view -----------------------------------------------------------------------------------------------

  /** The first problem in the middle, or else the whole graph, or its beginning where all of it would be too small. */
  home(): void {
    const problem = this.scene?.problems[0];
    this.fit();
    if (this.#viewport.scale >= READABLE) return;
    if (problem !== undefined && this.#shownBox(problem.id)) this.#centre(problem.id);
    else this.#viewport.startAt(this.#mainLine(), READABLE, this.direction);
  }

  /** Where the data enters, across its flow. */
  #mainLine(): number {
    const first = this.#placed.nodes[0];
    return first ? (this.direction === "down" ? first.x : first.y) + first.anchor : 0;
  }

  /** Keep in view what was, in a view of another size, unless a person has moved the picture. */
  resized(): void {
    this.#mapped = null;
    this.#later();
    if (this.#viewport.wasMoved) return;
    if (this.#revealed) this.#centre(this.#revealed);
    else this.home();
  }

  fit(): void {
    this.#revealed = "";
    this.#viewport.fit({ x: 0, y: 0, width: this.#placed.width, height: this.#placed.height });
  }

  /** Open what hides a layer or an edge, and bring it to the middle. */
  reveal(id: string): void {
    if (this.scene === null) return;
    const hiding = this.scene.around(id).filter((group) => !this.#open.has(group));
    if (hiding.length) this.#setOpen([...this.#open, ...hiding]);
    this.#revealed = id;
    this.#viewport.wasMoved = false;
    this.#centre(id);
  }

  #centre(id: string): void {
    const node = this.#shownBox(id);
    const isEdge = this.scene?.edges.has(id);
    if (node)
      this.#viewport.centre(node.x + node.width / 2, node.y + Math.min(node.height, 60) / 2 - (isEdge ? 24 : 0));
  }

  /** The box of a layer or of the end of an edge, or the closed group that hides it. */
  #shownBox(id: string): PlacedNode | undefined {
    const end = this.scene?.ends(id).at(-1);
    if (end === undefined || this.scene === null) return undefined;
    const shown = this.scene.index.chain(end).filter((each) => this.#nodes.has(each));
    return this.#nodes.get(shown[shown.length - 1] ?? "");
  }

  /** The innermost box at a point of the picture. */
  at(x: number, y: number): PlacedNode | undefined {
    return this.#placed.nodes.findLast(
      (node) => x >= node.x && x <= node.x + node.width && y >= node.y && y <= node.y + node.height,
    );
  }

  get isFar(): boolean {
    return this.drawing.isLarge && this.#viewport.scale < FAR;
  }

  // -- open and close ------------------------------------------------------------------------------------------------

  openAll(isOpen: boolean): void {
    const groups = [...(this.scene?.layers.values() ?? [])].filter((layer) => layer.kind === "group");
    this.#setOpen(isOpen ? groups.map((layer) => layer.id) : []);
    this.fit();
  }

  #setOpen(groups: Iterable<string>): void {
    this.#open = new Set(groups);
    this.#opened([...this.#open]);
    this.#draw();
  }

  /** Open a closed group or close an open one; its header stays where it is on the screen. */
  toggle(id: string): void {
    const before = this.#nodes.get(id);
    const old = this.#nodes;
    this.#viewport.wasMoved = true;
    this.#setOpen(this.#open.has(id) ? [...this.#open].filter((group) => group !== id) : [...this.#open, id]);
    const after = this.#nodes.get(id);
    if (!before || !after) return;
    const place = ({ x, y, anchor }: PlacedNode): { x: number; y: number } =>
      this.direction === "down" ? { x: x + anchor, y } : { x, y };
    const shift = { x: place(before).x - place(after).x, y: place(before).y - place(after).y };
    this.#viewport.shift(shift.x, shift.y);
    animate(this.drawing.element, old, this.#nodes, shift);
  }

  #isOpen(id: string): boolean {
    return this.#open.has(id) && (this.scene?.index.children(id).length ?? 0) > 0;
  }

  // -- drawing -------------------------------------------------------------------------------------------------------

  /** Draw boxes that may have other texts than before. */
  #drawAnew(): void {
    this.#rooms.clear();
    this.#draw();
  }

  #draw(): void {
    const { scene, direction } = this;
    if (scene === null) return;
    const placed = layout(scene.index, this.#open, (id) => this.#room(scene, id), {}, this.#cache);
    this.#placed = direction === "down" ? placed : turned(placed);
    this.#nodes = new Map(this.#placed.nodes.map((node) => [node.id, node]));
    const hadFocus = this.drawing.element.contains(document.activeElement);
    this.#lines = linesOf(scene, this.#placed);
    this.#outlines = null;
    this.far.replaceChildren();
    this.drawing.show(items(scene, this.#placed, this.#lines, direction), this.#viewport.shown(), this.isFar);
    this.mark();
    this.#drawFar();
    this.#later();
    if (hadFocus) this.focusOn(this.focused);
  }

  /** The room of a box, worked out once for as long as its texts are the same. */
  #room(scene: Scene, id: string): NodeSize {
    const isOpen = this.#isOpen(id);
    const key = isOpen ? `${id} ` : id;
    let room = this.#rooms.get(key);
    if (room === undefined) {
      room = roomOf(scene, id, isOpen, this.direction);
      this.#rooms.set(key, room);
    }
    return room;
  }

  mark(): void {
    if (this.scene) this.marks.apply(this.drawing.element, this.scene, this.focused);
  }

  /** The view has moved. */
  moved(): void {
    const { x, y, scale } = this.#viewport;
    for (const element of [this.drawing.element, this.far])
      element.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    this.#later();
  }

  /** What a person does not wait for is drawn once a frame. */
  #later(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#drawNear();
      this.#keepTitles();
      this.#drawFar();
      this.#drawMap();
    });
  }

  /** The title of a group that is wider than the view stays in view. */
  #keepTitles(): void {
    const { x } = this.#viewport.shown();
    for (const header of this.drawing.element.querySelectorAll<SVGElement>(".swg-header")) {
      const node = this.#nodes.get(header.dataset.layer ?? "");
      const most = node ? Math.max(TITLE_LEFT, node.width - 160) : TITLE_LEFT;
      const left = Math.min(most, Math.max(TITLE_LEFT, x - (node?.x ?? 0) + TITLE_LEFT));
      header.querySelector("text")?.setAttribute("x", String(left));
    }
  }

  #drawMap(): void {
    const { scene } = this;
    if (scene && this.#mapped !== this.#placed) {
      this.#mapped = this.#placed;
      if (this.map.fit(this.#placed, this.direction))
        this.map.show(this.#outlinesOf(scene), scene.problems, (id) => this.#shownBox(id));
    }
    this.map.move();
  }

  #outlinesOf(scene: Scene): Outlines {
    this.#outlines ??= outlines(scene, this.nodes, this.#lines);
    return this.#outlines;
  }

  /** What has come into view is drawn; what has left it is not. */
  #drawNear(): void {
    if (this.drawing.isCulled && this.drawing.keepNear(this.#viewport.shown(), this.isFar)) this.mark();
  }

  #drawFar(): void {
    const { isFar, scene } = this;
    this.far.classList.toggle("swg-on", isFar);
    this.drawing.element.classList.toggle("swg-off", isFar);
    if (!isFar || scene === null) return;
    if (!this.far.firstChild) this.far.append(s("g", {}, ...drawn(this.#outlinesOf(scene))), s("g", {}));
    const { nodes } = this.#placed;
    this.far.lastElementChild?.replaceChildren(...names(scene, nodes, this.#viewport.shown(), this.#viewport.scale));
  }

  /** The whole picture as an SVG document; it is in the page while its styles are read. */
  svg(): string {
    const whole = this.drawing.whole();
    this.drawing.element.parentElement?.append(whole);
    const text = svgText(whole, this.#placed.width, this.#placed.height);
    whole.remove();
    return text;
  }

  // -- focus ---------------------------------------------------------------------------------------------------------

  /** The box that Tab leads to. */
  get focused(): string {
    return this.#nodes.has(this.#focus) ? this.#focus : (this.#placed.nodes[0]?.id ?? "");
  }

  set focused(id: string) {
    this.#focus = id;
  }

  focusOn(id: string): void {
    this.#focus = id;
    this.#drawNear();
    this.mark();
    this.drawing.element.querySelector<SVGElement>(`[data-layer="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
  }

  dispose(): void {
    cancelAnimationFrame(this.#frame);
  }
}
