// Stands for a notebook: models of GraphView with their views.
import { Model, place } from "/host_model.js";

const READY = { state: "ready", text: "", progress: null };

class GraphModel extends Model {
  saved = 0;

  constructor(traits) {
    super({
      graph: null,
      tensors: [],
      sizes: {},
      status: READY,
      problem: null,
      selection: "",
      colour_by: "agreement",
      view_state: { version: 1, open: null },
      theme: "auto",
      height: 560,
      ...traits,
    });
  }

  save_changes() {
    this.saved += 1;
  }
}

const host = {
  models: [],
  closers: [],

  async show(traits, style = "") {
    await this.view(new GraphModel(traits), style);
  },

  /** One more view of a model. */
  async view(model, style = "") {
    const { widget, el } = await place("graph_view.js", this.closers.length, style);
    this.models.push(model);
    this.closers.push(widget.render({ model, el }));
  },
};

window.host = host;
