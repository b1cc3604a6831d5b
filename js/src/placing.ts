/** What is open of a scene, and where its boxes and lines then stand. No DOM. */

import { roomOf } from "./cards";
import {
  type Direction,
  defaultOptions,
  type Layout,
  LayoutCache,
  layout,
  type NodeSize,
  type PlacedNode,
  turned,
} from "./layout/index";
import type { Scene } from "./scene";

/** The layout of one view. `place` takes what is open and the direction as they are. */
export class Placing {
  open = new Set<string>();
  direction: Direction = "down";
  layout: Layout = { nodes: [], edges: [], width: 0, height: 0 };
  #scene: Scene | null = null;
  #nodes = new Map<string, PlacedNode>();
  /** The rooms of boxes, of open groups and of others, worked out once for as long as their texts are the same. */
  #rooms: Record<"open" | "closed", Map<string, NodeSize>> = { open: new Map(), closed: new Map() };
  readonly #cache = new LayoutCache();

  /** Boxes may have other texts than before. */
  forgetRooms(): void {
    this.#rooms = { open: new Map(), closed: new Map() };
  }

  place(scene: Scene): void {
    this.#scene = scene;
    const placed = layout(scene.index, this.open, (id) => this.#room(scene, id), defaultOptions, this.#cache);
    this.layout = this.direction === "down" ? placed : turned(placed);
    this.#nodes = new Map(this.layout.nodes.map((node) => [node.id, node]));
  }

  #room(scene: Scene, id: string): NodeSize {
    const isOpen = this.open.has(id) && scene.index.children(id).length > 0;
    const rooms = this.#rooms[isOpen ? "open" : "closed"];
    let room = rooms.get(id);
    if (room === undefined) {
      room = roomOf(scene, id, isOpen, this.direction);
      rooms.set(id, room);
    }
    return room;
  }

  get nodes(): readonly PlacedNode[] {
    return this.layout.nodes;
  }

  node(id: string): PlacedNode | undefined {
    return this.#nodes.get(id);
  }

  /** The box of a layer or of the end of an edge, or the closed group that hides it. */
  shown(id: string): PlacedNode | undefined {
    const end = this.#scene?.ends(id).at(-1);
    const chain = end === undefined ? [] : (this.#scene?.index.chain(end) ?? []);
    return this.node(chain.findLast((each) => this.#nodes.has(each)) ?? "");
  }

  /** The innermost box at a point. */
  at(x: number, y: number): PlacedNode | undefined {
    return this.nodes.findLast(
      (node) => x >= node.x && x <= node.x + node.width && y >= node.y && y <= node.y + node.height,
    );
  }

  /** Where the data enters, across its flow. */
  get mainLine(): number {
    const first = this.nodes[0];
    return first ? (this.direction === "down" ? first.x : first.y) + first.anchor : 0;
  }
}
