/** Distances of the layout, in CSS pixels. */
export interface LayoutOptions {
  /** Between a node and the next one below it, without chips and badges. */
  readonly gap: number;
  /** The same where a line moves far to the side, so that its curve is not too flat. */
  readonly wideGap: number;
  /** Between a port on the border of a group and the node next to it. */
  readonly portGap: number;
  /** Between two nodes side by side. */
  readonly separation: number;
  /** The room for one vertical line beside the nodes. */
  readonly laneWidth: number;
  /** The room for one horizontal piece of a lane between two rows. */
  readonly trackHeight: number;
  /** Inside a group: left and right of its content. */
  readonly sidePadding: number;
  /** Inside a group: under its content. */
  readonly bottomPadding: number;
}

export const defaultOptions: LayoutOptions = {
  gap: 22,
  wideGap: 34,
  portGap: 20,
  separation: 30,
  laneWidth: 18,
  trackHeight: 8,
  sidePadding: 18,
  bottomPadding: 16,
};
