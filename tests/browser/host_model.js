/** Stands for a widget's model: its traits, and who listens to them. */
export class Model {
  listeners = [];

  constructor(traits) {
    this.traits = traits;
  }

  get(name) {
    return this.traits[name];
  }

  set(name, value) {
    this.receive({ [name]: value });
  }

  /** Several traits of one message: all have their values before any listener is called. */
  receive(values) {
    Object.assign(this.traits, values);
    for (const name of Object.keys(values)) this.emit(`change:${name}`);
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
}

/** A new element for a view, with a copy of the code of its own as every widget has. */
export async function place(bundle, index, style) {
  const { default: widget } = await import(`/${bundle}?copy=${index}`);
  const el = document.createElement("div");
  el.id = `view-${index}`;
  el.style = style;
  document.body.append(el);
  return { widget, el };
}
