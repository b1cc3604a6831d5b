// Written by scripts/generate_contract.py from shapewidget/notebook/contract.py: change that file, not this one.

export const CONTRACT_VERSION = 1;

export type State = "agree" | "mismatch" | "coincidence" | "unreached";

export type Kind = "input" | "group" | "layer" | "operation" | "loss" | "output";

export type Severity = "mismatch" | "coincidence" | "note";

export type Direction = "down" | "right";

export type ColourBy = "agreement" | "memory" | "time" | "dtype" | "device";

export type Theme = "auto" | "light" | "dark";

/** A tensor, once however many layers read it. */
export interface WireTensor {
  /** Sizes of the axes. */
  shape: number[];
  /** The same axes as expressions, "2·hidden"; empty until they are solved. */
  symbols: string[];
  dtype: string;
  device: string;
}

/** A size that a layer was built with. */
export interface WireDeclared {
  /** The constructor argument, "in_features". */
  name: string;
  /** Its value as text; a setting that is not a size too ("batch_first", "True"). */
  value: string;
  /** The size as an expression, "2·hidden"; empty when it is only a number. */
  symbol: string;
}

/** A node. Nodes come in execution order, a group before what is in it. */
export interface WireLayer {
  /** Unique, stable from run to run: the module path, or path/operation#n. */
  id: string;
  /** Id of the enclosing group, null at the top. */
  parent: string | null;
  kind: Kind;
  /** What is printed in bold: "lstm", "view". */
  name: string;
  /** Class of the module, "LSTM"; equal to the name for an operation. */
  type: string;
  /** The declared sizes in a few characters, "256 → 128"; may be empty. */
  signature: string;
  declared: WireDeclared[];
  /** Indices into `tensors` of what it read. */
  inputs: number[];
  /** Indices into `tensors` of what it gave. */
  outputs: number[];
  /** The worst state of the edges that enter it. */
  state: State;
  /** Whether it lies behind a repair. */
  assumed: boolean;
  /** Number of its own weights. */
  parameters: number;
  /** Where it is called, "In [3], line 12"; may be empty. */
  source: string;
  /** The expression that calls it; may be empty. */
  code: string;
  /** Bytes that it keeps for the backward pass, those of what is in it included; where measured. */
  memory?: number;
  /** Seconds of its forward pass, where measured. */
  time?: number;
}

/** A tensor between two layers, never between groups. */
export interface WireEdge {
  id: string;
  source: string;
  target: string;
  /** Index into `tensors`; -1 where the run ended before there was one. */
  tensor: number;
  state: State;
  assumed: boolean;
  /** Whether the value left the framework on the way. */
  escaped: boolean;
  /** The clash in a few characters, "2·hidden = 512 ≠ 256"; empty where there is none. */
  badge: string;
  /** The clashing axis of the tensor, counted from 0. */
  axis: number | null;
}

/** A finding, ready to be read. */
export interface WireFinding {
  /** Stable name of the rule, "SW101". */
  code: string;
  /** A few words: "Layer expects another width". */
  title: string;
  severity: Severity;
  /** Id of the node at fault; may be empty when it is not in the graph. */
  layer: string;
  /** What a person calls the place: "head", "view in encoder", "the loss". */
  place: string;
  /** Ids of the clashing edges. */
  edges: string[];
  reason: string;
  fix: string;
  /** Unified diff of the user's source; may be empty. */
  patch: string;
  /** Where the mistake is, "In [3], line 8"; may be empty. */
  source: string;
  /** The text of that line; may be empty. */
  code_line: string;
  /** Whether the program was run with the fix and found nothing there any more. */
  verified: boolean;
  /** True where a finding before it tells the same mistake of the same line, in another block. */
  again?: boolean;
}

/** A named size. */
export interface WireSymbol {
  name: string;
  value: number;
  /** "batch size", "argument of BiLSTMTagger". */
  meaning: string;
}

/** A whole graph except the sizes of its tensors, which `tensors` holds: they change with every slider. */
export interface WireGraph {
  version: number;
  /** Class name of the model. */
  title: string;
  framework: string;
  device: string;
  layers: WireLayer[];
  edges: WireEdge[];
  /** The most serious first. */
  findings: WireFinding[];
  symbols: WireSymbol[];
  /** How the probe batch came about, and what else a reader has to know; may be empty. */
  notice: string;
}

/** What the kernel is doing. */
export interface WireStatus {
  state: "ready" | "busy";
  text: string;
  /** Share done, 0 to 1; null when it cannot be told. */
  progress: number | null;
}

/** Something that went wrong in the kernel, to be shown in the widget. */
export interface WireProblem {
  title: string;
  text: string;
}

/** What a person opened and selected, so that it survives a re-run and a reload. */
export interface WireViewState {
  version: number;
  /** Ids of the open groups; null until a person opened or closed one: the view chooses. */
  open: string[] | null;
  /** Which way the data flows; "down" where it is missing. */
  direction?: Direction;
}

/** A request of the browser. Each is answered once. */
export interface WireRequest {
  kind: "plotly";
  id: number;
}

/** The kernel's answer to a request, the file itself in the message's one buffer. */
export interface WireAnswer {
  kind: "plotly";
  /** The request's number. */
  id: number;
  ok: boolean;
  /** Why there is no buffer; empty when there is one. */
  problem: string;
}

/** Traits of GraphView. */
export interface GraphViewTraits {
  /** The graph, from a kernel as the bytes of deflated JSON; null before the first probe ended. Set by the kernel. */
  graph: WireGraph | DataView | null;
  /** Shapes of the graph's tensors at the sizes that are shown. Set by the kernel. */
  tensors: WireTensor[];
  /** Values of the symbols at the sizes that are shown. Set by the kernel. */
  sizes: Record<string, number>;
  /** What the kernel is doing. Set by the kernel. */
  status: WireStatus;
  /** What went wrong in the kernel, shown in the widget. Set by the kernel. */
  problem: WireProblem | null;
  /** Id of the selected layer or edge, or "finding 0"; empty for none. Set by both sides. */
  selection: string;
  /** What the colours of the graph say. Set by both sides. */
  colour_by: ColourBy;
  /** Open groups. Set by both sides. */
  view_state: WireViewState;
  /** Light or dark; auto follows the notebook. Set by both sides. */
  theme: Theme;
  /** Height of the view in CSS pixels. Set by both sides. */
  height: number;
}

/** Traits of PlotView. */
export interface PlotViewTraits {
  /** A plotly figure as JSON; null for none. Set by the kernel. */
  figure: Record<string, unknown> | null;
  /** What the plot shows, for screen readers. Set by the kernel. */
  label: string;
  /** The `customdata` of the bar or point that is selected; set by a click. Set by both sides. */
  selection: string;
  /** plotly.js as deflated bytes, while a cell runs in which no request would be answered; else null. Set by the kernel. */
  library: DataView | null;
  /** Light or dark; auto follows the notebook. Set by both sides. */
  theme: Theme;
  /** Height of the plot in CSS pixels. Set by both sides. */
  height: number;
}
