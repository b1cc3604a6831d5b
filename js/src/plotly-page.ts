/**
 * plotly.js, once per page however many plots it shows.
 *
 * Every widget imports its own copy of this module, so that what they share hangs on the window.
 */

import { bytesOf, inflated } from "./buffers";
import type { WireAnswer, WireRequest } from "./contract.gen";

/** What plotly.js makes of the element that it draws into. */
export interface PlotElement extends HTMLElement {
  on?(event: "plotly_click", listener: (click: { points: { customdata?: unknown }[] }) => void): void;
  removeAllListeners?(event: "plotly_click"): void;
}

/** What of plotly.js is used. */
export interface Plotly {
  react(element: PlotElement, data: unknown, layout: unknown, config: unknown): Promise<unknown>;
  purge(element: HTMLElement): void;
}

type Listener = (answer: WireAnswer, buffers: (ArrayBuffer | ArrayBufferView)[]) => void;

/** What of a widget's model is needed to ask the kernel. */
export interface AskingModel {
  on(event: "msg:custom", callback: Listener): void;
  off(event: "msg:custom", callback: Listener): void;
  send(request: WireRequest): void;
}

const KEY = Symbol.for("shapewidget.plotly");
const GIVEN = Symbol.for("shapewidget.plotly.given");
const page = globalThis as unknown as {
  [KEY]?: Promise<Plotly> | undefined;
  [GIVEN]?: Promise<Plotly>;
  Plotly?: unknown;
};

/**
 * The page's plotly.js. The first caller asks the kernel, with its model and until `signal`; the others wait for it,
 * and get an AbortError when it is gone: then one of them has to ask.
 */
export function plotlyOfPage(model: AskingModel, signal: AbortSignal): Promise<Plotly> {
  if (page[KEY]) return page[KEY];
  const loading = ask(model, signal).then(evaluate);
  page[KEY] = loading;
  loading.catch(() => forget(loading));
  return loading;
}

/** plotly.js out of a trait: instead of the kernel's answer, which may be long in coming while a cell runs. */
export function plotlyGiven(library: DataView): Promise<Plotly> {
  page[GIVEN] ??= inflated(library)
    .arrayBuffer()
    .then((file) => evaluate(bytesOf(file)));
  page[KEY] = page[GIVEN];
  return page[GIVEN];
}

/** Make the next caller ask again, unless another one has done so since. */
export function forget(loading: Promise<Plotly>): void {
  if (page[KEY] === loading) page[KEY] = undefined;
}

/** The file from the kernel. A kernel that is busy answers late, one that was shut down never. */
function ask(model: AskingModel, signal: AbortSignal): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const request: WireRequest = { kind: "plotly", id: Math.floor(Math.random() * 2 ** 31) };
    const hear: Listener = (answer, buffers) => {
      if (answer?.kind !== request.kind || answer.id !== request.id) return;
      model.off("msg:custom", hear);
      if (answer.ok && buffers[0]) resolve(bytesOf(buffers[0]));
      else reject(new Error(answer.problem || "The kernel's answer holds no file."));
    };
    signal.addEventListener("abort", () => {
      model.off("msg:custom", hear);
      reject(signal.reason);
    });
    model.on("msg:custom", hear);
    model.send(request);
  });
}

/** Run the file as a module, and leave the `Plotly` of other libraries on the page as it was. */
async function evaluate(file: Uint8Array): Promise<Plotly> {
  const before = page.Plotly;
  const code = file as Uint8Array<ArrayBuffer>;
  const parts = ["const module = { exports: {} };\n", code, "\nexport default module.exports;"];
  const url = URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
  try {
    const { default: plotly } = await import(url);
    if (typeof plotly?.react !== "function") throw new Error("The file that the kernel sent is not plotly.js.");
    return plotly;
  } finally {
    URL.revokeObjectURL(url);
    if (before === undefined) delete page.Plotly;
    else page.Plotly = before;
  }
}
