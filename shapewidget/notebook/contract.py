"""What Python and the browser say to one another, written once.

`scripts/generate_contract.py` turns `contract.py` into ``js/src/contract.gen.ts`` and ``docs/contract.md``; CI does so
again and compares. Names are the same on both sides. State travels in traits, so that a page which is opened later
has all of it; the two messages at the end are requests of the browser for what is too large to be saved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NotRequired, TypedDict

CONTRACT_VERSION = 1
"""Raised by every change that an older front end would misread."""

State = Literal["agree", "mismatch", "coincidence", "unreached"]
Kind = Literal["input", "group", "layer", "operation", "loss", "output"]
Severity = Literal["mismatch", "coincidence", "note"]
Direction = Literal["down", "right"]
ColourBy = Literal["agreement", "memory", "time", "dtype", "device"]
Theme = Literal["auto", "light", "dark"]


class WireTensor(TypedDict):
    """A tensor, once however many layers read it."""

    shape: list[int]
    """Sizes of the axes."""
    symbols: list[str]
    """The same axes as expressions, "2·hidden"; empty until they are solved."""
    dtype: str
    device: str


class WireDeclared(TypedDict):
    """A size that a layer was built with."""

    name: str
    """The constructor argument, "in_features"."""
    value: str
    """Its value as text; a setting that is not a size too ("batch_first", "True")."""
    symbol: str
    """The size as an expression, "2·hidden"; empty when it is only a number."""


class WireLayer(TypedDict):
    """A node. Nodes come in execution order, a group before what is in it."""

    id: str
    """Unique, stable from run to run: the module path, or path/operation#n."""
    parent: str | None
    """Id of the enclosing group, null at the top."""
    kind: Kind
    name: str
    """What is printed in bold: "lstm", "view"."""
    type: str
    """Class of the module, "LSTM"; equal to the name for an operation."""
    signature: str
    """The declared sizes in a few characters, "256 → 128"; may be empty."""
    declared: list[WireDeclared]
    inputs: list[int]
    """Indices into `tensors` of what it read."""
    outputs: list[int]
    """Indices into `tensors` of what it gave."""
    state: State
    """The worst state of the edges that enter it."""
    assumed: bool
    """Whether it lies behind a repair."""
    parameters: int
    """Number of its own weights."""
    source: str
    """Where it is called, "In [3], line 12"; may be empty."""
    code: str
    """The expression that calls it; may be empty."""
    memory: NotRequired[int]
    """Bytes that it keeps for the backward pass, those of what is in it included; where measured."""
    time: NotRequired[float]
    """Seconds of its forward pass, where measured."""


class WireEdge(TypedDict):
    """A tensor between two layers, never between groups."""

    id: str
    source: str
    target: str
    tensor: int
    """Index into `tensors`; -1 where the run ended before there was one."""
    state: State
    assumed: bool
    escaped: bool
    """Whether the value left the framework on the way."""
    badge: str
    """The clash in a few characters, "2·hidden = 512 ≠ 256"; empty where there is none."""
    axis: int | None
    """The clashing axis of the tensor, counted from 0."""


class WireFinding(TypedDict):
    """A finding, ready to be read."""

    code: str
    """Stable name of the rule, "SW101"."""
    title: str
    """A few words: "Layer expects another width"."""
    severity: Severity
    layer: str
    """Id of the node at fault; may be empty when it is not in the graph."""
    place: str
    """What a person calls the place: "head", "view in encoder", "the loss"."""
    edges: list[str]
    """Ids of the clashing edges."""
    reason: str
    fix: str
    patch: str
    """Unified diff of the user's source; may be empty."""
    source: str
    """Where the mistake is, "In [3], line 8"; may be empty."""
    code_line: str
    """The text of that line; may be empty."""
    verified: bool
    """Whether the program was run with the fix and found nothing there any more."""
    again: NotRequired[bool]
    """True where a finding before it tells the same mistake of the same line, in another block."""


class WireSymbol(TypedDict):
    """A named size."""

    name: str
    value: int
    meaning: str
    """"batch size", "argument of BiLSTMTagger"."""


class WireGraph(TypedDict):
    """A whole graph except the sizes of its tensors, which `tensors` holds: they change with every slider."""

    version: int
    title: str
    """Class name of the model."""
    framework: str
    device: str
    layers: list[WireLayer]
    edges: list[WireEdge]
    findings: list[WireFinding]
    """The most serious first."""
    symbols: list[WireSymbol]
    notice: str
    """How the probe batch came about, and what else a reader has to know; may be empty."""


class WireStatus(TypedDict):
    """What the kernel is doing."""

    state: Literal["ready", "busy"]
    text: str
    progress: float | None
    """Share done, 0 to 1; null when it cannot be told."""


class WireProblem(TypedDict):
    """Something that went wrong in the kernel, to be shown in the widget."""

    title: str
    text: str


class WireViewState(TypedDict):
    """What a person opened and selected, so that it survives a re-run and a reload."""

    version: int
    open: list[str] | None
    """Ids of the open groups; null until a person opened or closed one: the view chooses."""
    direction: NotRequired[Direction]
    """Which way the data flows; "down" where it is missing."""


class WireAnswer(TypedDict):
    """The kernel's answer to a request, the file itself in the message's one buffer."""

    kind: Literal["plotly"]
    id: int
    """The request's number."""
    ok: bool
    problem: str
    """Why there is no buffer; empty when there is one."""


class WireRequest(TypedDict):
    """A request of the browser. Each is answered once."""

    kind: Literal["plotly"]
    id: int


RECORDS: tuple[type, ...] = (
    WireTensor,
    WireDeclared,
    WireLayer,
    WireEdge,
    WireFinding,
    WireSymbol,
    WireGraph,
    WireStatus,
    WireProblem,
    WireViewState,
    WireRequest,
    WireAnswer,
)


@dataclass(frozen=True, slots=True)
class Trait:
    """One synced trait.

    Attributes:
        name: The same in Python and TypeScript.
        type: As TypeScript writes it.
        writer: Who may set it after construction.
        default: As JSON.
        meaning: One line.
    """

    name: str
    type: str
    writer: Literal["kernel", "browser", "both"]
    default: object
    meaning: str


GRAPH_VIEW_TRAITS: tuple[Trait, ...] = (
    Trait(
        "graph",
        "WireGraph | DataView | null",
        "kernel",
        None,
        "The graph, from a kernel as the bytes of deflated JSON; null before the first probe ended.",
    ),
    Trait("tensors", "WireTensor[]", "kernel", [], "Shapes of the graph's tensors at the sizes that are shown."),
    Trait("sizes", "Record<string, number>", "kernel", {}, "Values of the symbols at the sizes that are shown."),
    Trait(
        "status",
        "WireStatus",
        "kernel",
        {"state": "ready", "text": "", "progress": None},
        "What the kernel is doing.",
    ),
    Trait("problem", "WireProblem | null", "kernel", None, "What went wrong in the kernel, shown in the widget."),
    Trait("selection", "string", "both", "", 'Id of the selected layer or edge, or "finding 0"; empty for none.'),
    Trait("colour_by", "ColourBy", "both", "agreement", "What the colours of the graph say."),
    Trait("view_state", "WireViewState", "both", {"version": 1, "open": None}, "Open groups."),
    Trait("theme", "Theme", "both", "auto", "Light or dark; auto follows the notebook."),
    Trait("height", "number", "both", 560, "Height of the view in CSS pixels."),
)

PLOT_VIEW_TRAITS: tuple[Trait, ...] = (
    Trait("figure", "Record<string, unknown> | null", "kernel", None, "A plotly figure as JSON; null for none."),
    Trait("label", "string", "kernel", "", "What the plot shows, for screen readers."),
    Trait("selection", "string", "both", "", "The `customdata` of the bar or point that is selected; set by a click."),
    Trait(
        "library",
        "DataView | null",
        "kernel",
        None,
        "plotly.js as deflated bytes, while a cell runs in which no request would be answered; else null.",
    ),
    Trait("theme", "Theme", "both", "auto", "Light or dark; auto follows the notebook."),
    Trait("height", "number", "both", 300, "Height of the plot in CSS pixels."),
)
