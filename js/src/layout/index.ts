/**
 * The layout of the layer graph: a pure function of the graph, the open groups and the sizes of the boxes. Data flows
 * from top to bottom, and the main line runs straight down through all open groups.
 */
import { LayoutCache } from "./cache";
import type { GraphIndex } from "./graph-index";
import { nest } from "./nest";
import { defaultOptions, type LayoutOptions } from "./options";
import { put } from "./put";
import type { Layout, NodeSize } from "./types";

export { LayoutCache } from "./cache";
export { GraphIndex } from "./graph-index";
export { defaultOptions, type LayoutOptions } from "./options";
export { turned } from "./turned";
export type * from "./types";

/**
 * Places every node that is not inside a closed group, and the lines between them. Edges inside one closed box, and
 * from a node to itself, are not drawn. With the cache of the last layout, a container is placed again only where what
 * is open in it or the size of a box is another: where `size` gives another object.
 */
export function layout(
  index: GraphIndex,
  open: ReadonlySet<string>,
  size: (id: string) => NodeSize,
  options: LayoutOptions = defaultOptions,
  cache: LayoutCache = new LayoutCache(),
): Layout {
  const isOpen = (id: string): boolean => open.has(id) && index.children(id).length > 0;
  const context = {
    index,
    isOpen,
    size,
    options,
    cache,
    known: cache.nested(index, options),
  };
  return put(nest(context, null, {}), index);
}
