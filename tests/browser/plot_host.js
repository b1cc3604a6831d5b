// Stands for a notebook: models of PlotView with their views, and a kernel that answers as `kernel` says.
import { Model, place } from "/host_model.js";

const BYTES = new Uint8Array(await (await fetch("/plotly.min.js")).arrayBuffer());

const BUFFERS = {
  "data view": () => new DataView(BYTES.slice().buffer),
  "inner data view": () => new DataView(inner().buffer, 7, BYTES.length),
  "inner array": () => new Uint8Array(inner().buffer, 7, BYTES.length),
};

function inner() {
  const message = new Uint8Array(BYTES.length + 20).fill("?".charCodeAt(0));
  message.set(BYTES, 7);
  return message;
}

class PlotModel extends Model {
  constructor(traits) {
    super({ figure: null, label: "", theme: "auto", height: 300, ...traits });
  }

  send(request) {
    host.requests.push(request);
    host.waiting.push(() => this.answer(request));
    if (host.kernel !== "silent") host.work();
  }

  answer({ kind, id }) {
    const buffer = BUFFERS[host.kernel];
    const problem = buffer ? "" : host.kernel;
    this.emit("msg:custom", { kind, id, ok: Boolean(buffer), problem }, buffer ? [buffer()] : []);
  }
}

const host = {
  kernel: "data view",
  requests: [],
  waiting: [],
  models: [],
  closers: [],

  /** Answer what was asked. */
  work() {
    for (const answer of this.waiting.splice(0)) setTimeout(answer);
  },

  async show(traits, style = "width: 480px") {
    const { widget, el } = await place("plot_view.js", this.models.length, style);
    const model = new PlotModel(traits);
    this.models.push(model);
    this.closers.push(widget.render({ model, el }));
  },
};

window.host = host;
