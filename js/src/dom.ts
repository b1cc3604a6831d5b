/** What makes elements and listens to them. Text always goes in as text, never as markup. */

import { pieces } from "./texts";

type Attributes = Record<string, string | number | boolean | undefined>;
type Child = Node | string;
/** The name of an element, and classes of ours behind it, each after a dot: "p.notice". */
type Tag<K extends string> = K | `${K}.${string}`;

/** Set attributes; those that are undefined or false are left out. */
export function assign(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
}

function filled(element: Element, classes: readonly string[], parts: (Attributes | Child)[]): Element {
  for (const each of classes) element.classList.add(`swg-${each}`);
  for (const part of parts) {
    if (typeof part === "string" || part instanceof Node) element.append(part);
    else assign(element, part);
  }
  return element;
}

/** An HTML element with attributes and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: Tag<K>,
  ...parts: (Attributes | Child)[]
): HTMLElementTagNameMap[K] {
  const [name = "", ...classes] = tag.split(".");
  return filled(document.createElement(name), classes, parts) as HTMLElementTagNameMap[K];
}

/** An SVG element with attributes and children. */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: Tag<K>,
  ...parts: (Attributes | Child)[]
): SVGElementTagNameMap[K] {
  const [name = "", ...classes] = tag.split(".");
  return filled(
    document.createElementNS("http://www.w3.org/2000/svg", name),
    classes,
    parts,
  ) as SVGElementTagNameMap[K];
}

/** The element that has the focus beside this one; a document does not tell which it is within a shadow root. */
export function focusedBeside(element: Element): Element | null {
  return (element.getRootNode() as Document | ShadowRoot).activeElement ?? null;
}

/** A sentence as nodes: what stands between backticks is code. */
export function prose(sentence: string): Node[] {
  return pieces(sentence).map(({ text, isCode }) => (isCode ? h("code", {}, text) : document.createTextNode(text)));
}

/** Call back for one kind of event, or for several. */
export function on<K extends keyof HTMLElementEventMap>(
  target: EventTarget,
  types: K | readonly K[],
  listener: (event: HTMLElementEventMap[K]) => void,
  options?: AddEventListenerOptions,
): void {
  for (const type of [types].flat()) target.addEventListener(type, listener as EventListener, options);
}

/** A button with words on it. */
export function button(attributes: Attributes, onClick: () => void, ...children: Child[]): HTMLButtonElement {
  const element = h("button", { type: "button", ...attributes }, ...children);
  on(element, "click", onClick);
  return element;
}

/** A button with a sign, whose meaning is read aloud. */
export function signButton(label: string, sign: Child, onClick: () => void, className = ""): HTMLButtonElement {
  return button({ class: className, "aria-label": label, title: label }, onClick, sign);
}

/** A sign drawn with lines on a square of 16 pixels. */
export function icon(d: string): SVGSVGElement {
  return s("svg.icon", { width: 16, height: 16, viewBox: "0 0 16 16", "aria-hidden": "true" }, s("path", { d }));
}
