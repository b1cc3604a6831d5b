/**
 * What the layout reads and what it gives back. All lengths are CSS pixels; y grows downwards, in the direction the
 * data flows. Nothing here knows of the DOM or of the notebook.
 */

/** A layer, an operation, or a group of them. Nodes are handed over in execution order. */
export interface LayoutNode {
  readonly id: string;
  /** The id of the group that holds it; null at the top. */
  readonly parent: string | null;
  readonly isGroup: boolean;
}

/** A tensor on its way from one leaf to another. */
export interface LayoutEdge {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  /** Edges of one tensor share a lane and a port. */
  readonly tensor: string;
}

/** The room one node needs. */
export interface NodeSize {
  /** Of the box itself; of an open group, the least its header needs. */
  readonly width: number;
  readonly height: number;
  /** Free room over the box (badges) and under it (chips). A lane leaves from the middle of the room below. */
  readonly above: number;
  readonly below: number;
  /** Free room at both sides (chips and badges that are wider than the box). */
  readonly left?: number;
  readonly right?: number;
  /** Of an open group: free room at the left of what is inside. */
  readonly beside?: number;
}

/** Which way the data flows. */
export type Direction = "down" | "right";

export interface Point {
  x: number;
  y: number;
}

/** A node with its box; parents come before their children. */
export interface PlacedNode {
  id: string;
  x: number;
  y: number;
  width: number;
  height: number;
  /** The x of the main line, measured from the left side of the box. */
  anchor: number;
  depth: number;
  isGroup: boolean;
  isOpen: boolean;
}

/**
 * One drawn line inside one container. A tensor that crosses the border of an open group is drawn as several lines that
 * meet in a port: a point on the border.
 */
export interface PlacedEdge {
  /** Unique, and the same for the same line in the next layout. */
  key: string;
  /** The open group whose children it joins; null at the top. */
  container: string | null;
  /** The child it starts from; the container itself when `fromPort`. */
  source: string;
  /** The child it ends at; the container itself when `toPort`. */
  target: string;
  fromPort: boolean;
  toPort: boolean;
  tensor: string;
  /** The graph edges it carries. */
  ids: readonly string[];
  /** It runs round other nodes, in straight pieces with right angles. */
  isLane: boolean;
  /**
   * From source to target. What is not a lane has vertical pieces, and slanted ones whose bounding box is free of nodes:
   * there is room for a curve. What comes from a port goes straight down behind the title of the group first.
   */
  course: readonly Point[];
}

export interface Layout {
  nodes: PlacedNode[];
  edges: PlacedEdge[];
  width: number;
  height: number;
}
