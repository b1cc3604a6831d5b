/** The working records of one container: what stands in it, and the lines between. The steps of the layout fill them. */

/** The room an item takes up. */
export interface Box {
  /** With the free room at both sides of the card itself. */
  readonly width: number;
  readonly cardWidth: number;
  /** Where the card begins. */
  readonly cardLeft: number;
  readonly height: number;
  /** The x of the main line, measured from the left side. */
  readonly anchor: number;
  readonly above: number;
  readonly below: number;
  readonly isOpen: boolean;
}

export type ItemKind = "enter" | "child" | "leave";

/** A child of the container, or a port on its border. */
export class Item {
  /** The items that must stand lower, and those that must stand higher. */
  readonly lower: Item[] = [];
  readonly higher: Item[] = [];
  chain: Chain = { items: [], isMain: false };
  previous: Item | null = null;
  next: Item | null = null;
  /** The first and the last row it stands in. Only a tall open group stands in several. */
  first = 0;
  last = 0;
  /** The x of its main line; 0 is the main line of the container. */
  x = 0;
  y = 0;

  constructor(
    readonly place: number,
    readonly kind: ItemKind,
    readonly weight: number,
    public box: Box = { width: 0, cardWidth: 0, cardLeft: 0, height: 0, anchor: 0, above: 0, below: 0, isOpen: false },
  ) {}

  get left(): number {
    return this.x - this.box.anchor;
  }

  get right(): number {
    return this.left + this.box.width;
  }

  get bottom(): number {
    return this.y + this.box.height;
  }
}

/** Items one under the other, at one x. */
export interface Chain {
  readonly items: Item[];
  readonly isMain: boolean;
}

/** A line between two items. */
export interface Link {
  readonly source: Item;
  readonly target: Item;
  readonly tensor: string;
  /** Where it leaves and arrives, measured from the main line of the item; null: anywhere along the border. */
  leavesAt: number | null;
  arrivesAt: number | null;
}

export const isBack = (link: Link): boolean => link.source.place > link.target.place;
