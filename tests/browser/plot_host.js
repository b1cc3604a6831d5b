// Stands for a notebook: models of PlotView with their views, and a kernel that answers as `kernel` says.
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

class Model {
  listeners = [];

  constructor(traits) {
    this.traits = { figure: null, label: "", theme: "auto", height: 300, ...traits };
  }

  get(name) {
    return this.traits[name];
  }

  set(name, value) {
    this.traits[name] = value;
    this.emit(`change:${name}`);
  }

  on(event, callback) {
    this.listeners.push([event, callback]);
  }

  off(event, callback) {
    this.listeners = this.listeners.filter(([name, listener]) => name !== event || listener !== callback);
  }

  emit(event, ...values) {
    for (const [name, listener] of [...this.listeners]) if (name === event) listener(...values);
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

  /** Show a new model, with a copy of the code of its own as every widget has. */
  async show(traits, style = "width: 480px") {
    const index = this.models.length;
    const { default: widget } = await import(`/plot_view.js?copy=${index}`);
    const el = document.createElement("div");
    el.id = `view-${index}`;
    el.style = style;
    document.body.append(el);
    const model = new Model(traits);
    this.models.push(model);
    this.closers.push(widget.render({ model, el }));
  },
};

window.host = host;
