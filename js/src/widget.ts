/** The graph view as an anywidget, or any other host with models and elements, shows it. */

import type { HostModel } from "./model";
import { View } from "./view";

function render({ model, el }: { model: HostModel; el: HTMLElement }): () => void {
  const view = new View(model, el);
  return () => view.dispose();
}

export default { render };
