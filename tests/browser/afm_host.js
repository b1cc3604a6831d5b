// A host that knows the anywidget front-end module alone, as marimo: no manager of widgets, in a shadow root.
const KNOWN = ["get", "set", "save_changes", "on", "off", "send"];

class Model {
  #traits;
  #changed = new Set();
  listeners = [];
  sent = [];

  constructor(traits) {
    this.#traits = { ...traits };
  }

  get(name) {
    if (!(name in this.#traits)) throw new Error(`GraphView has no trait ${name}`);
    return this.#traits[name];
  }

  set(name, value) {
    this.#traits[name] = value;
    this.#changed.add(name);
    this.emit(name);
  }

  save_changes() {
    this.sent.push(Object.fromEntries([...this.#changed].map((name) => [name, this.#traits[name]])));
    this.#changed.clear();
  }

  send() {
    throw new Error("GraphView sends no messages");
  }

  on(event, callback) {
    this.listeners.push([event, callback]);
  }

  off(event, callback) {
    this.listeners = this.listeners.filter(([name, listener]) => name !== event || listener !== callback);
  }

  emit(name) {
    for (const [event, listener] of [...this.listeners]) if (event === `change:${name}`) listener();
  }

  /** One trait after the other, each told at once. */
  receive(values) {
    for (const [name, value] of Object.entries(values)) {
      this.#traits[name] = value;
      this.emit(name);
    }
  }
}

/** What the widget is handed: anything beyond the protocol is an error. */
function strict(model) {
  const get = (target, name) => {
    if (!KNOWN.includes(name)) throw new Error(`model.${String(name)} is not in the protocol`);
    return target[name].bind(target);
  };
  return new Proxy(model, { get });
}

window.host = {
  async show(traits) {
    const { default: exported } = await import("/graph_view.js");
    const widget = typeof exported === "function" ? await exported() : exported;
    const place = document.createElement("test-anywidget");
    document.body.append(place);
    const el = document.createElement("div");
    place.attachShadow({ mode: "open" }).append(el);
    this.model = new Model(traits);
    this.el = el;
    await widget.initialize?.({ model: strict(this.model) });
    this.close = await widget.render({ model: strict(this.model), el });
  },
};
