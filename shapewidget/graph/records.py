"""The layer graph: what a recorded run of a model looked like, in the terms that a person thinks in.

Every record is frozen. The adapters in `shapewidget.frameworks` make them, `shapewidget.diagnosis` reads them,
`shapewidget.notebook` draws them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from shapewidget.graph.dims import Dim


class LayerKind(StrEnum):
    """What a node of the graph stands for."""

    INPUT = "input"
    """A tensor that the user's call hands in; the targets of a loss too."""
    GROUP = "group"
    """A module that calls other modules; a loss function written by hand."""
    LAYER = "layer"
    """A module that is drawn whole: it has no children of its own, or calls them behind our back."""
    OPERATION = "operation"
    """A function of the framework called between layers, such as `view` or `cat`."""
    LOSS = "loss"
    """A built-in loss, as a module or as a function."""
    OUTPUT = "output"
    """What the user's call gives back."""


class Agreement(StrEnum):
    """How the tensor on an edge meets what its consumer takes."""

    AGREE = "agree"
    MISMATCH = "mismatch"
    COINCIDENCE = "coincidence"
    UNREACHED = "unreached"


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Shape and kind of one tensor.

    Attributes:
        shape: Sizes of the axes in the user's own run.
        dtype: Name of the dtype without the framework's prefix: "float32".
        device: "cpu", "cuda:0", ...
        dims: One expression an axis, once several runs were compared; None before that.
        masked: Whether it carries a mask that says which steps are padding, as tensors of Keras may.
    """

    shape: tuple[int, ...]
    dtype: str
    device: str = "cpu"
    dims: tuple[Dim, ...] | None = None
    masked: bool = False

    def __str__(self) -> str:
        sizes = self.dims if self.dims is not None else self.shape
        return "(" + ", ".join(map(str, sizes)) + ("," if len(sizes) == 1 else "") + ")"


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A place in the user's code.

    Attributes:
        filename: The file as Python knows it; of a notebook cell, the kernel's name for it.
        label: The name that a person knows it by: "In [3]" or "tagger.py".
        line: Line number, from 1.
        text: The line's text.
        expression: The part of the line that was running, where Python records columns.
    """

    filename: str
    label: str
    line: int
    text: str = ""
    expression: str | None = None

    def __str__(self) -> str:
        return f"{self.label}, line {self.line}" if self.label.startswith("In [") else f"{self.label}:{self.line}"


@dataclass(frozen=True, slots=True)
class Declared:
    """A size that a layer was built with and that constrains its tensors.

    Attributes:
        name: The constructor argument: "in_features".
        size: Its value.
        axis: The axis of the first input that must have this size (negative: from the end); None for a size that
            shapes the output or the weights only.
        dim: The size as an expression of the model's own arguments, once solved.
    """

    name: str
    size: int
    axis: int | None = None
    dim: Dim | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """A node of the graph.

    Attributes:
        id: Unique and stable from run to run: the module path, "path#2" for its second call; of an operation the
            path of the module whose forward calls it, its name and its occurrence: "encoder/view#1".
        kind: What it stands for.
        name: Last part of the path, or the operation's name.
        type: Class name of the module, or the operation's name.
        path: Dotted path of the module; of an operation, of the module whose forward calls it ("" for the model).
        parent: Id of the enclosing group; None at the top.
        inputs: The tensors that it read, in order.
        outputs: The tensors that it gave.
        declared: Sizes that it was built with.
        settings: Its other settings and an operation's arguments that are not tensors ("batch_first", "dim").
        parameters: Number of weights of its own.
        source: The line that calls it.
        memory: Bytes that it keeps for the backward pass, what is in it included; None where not measured.
        time: Seconds of its forward pass; None where not measured.
    """

    id: str
    kind: LayerKind
    name: str
    type: str
    path: str = ""
    parent: str | None = None
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    declared: tuple[Declared, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    parameters: int = 0
    source: SourceLine | None = None
    memory: int | None = None
    time: float | None = None

    def size(self, name: str) -> int | None:
        """The declared size of that name, None if the layer declares none."""
        return next((declared.size for declared in self.declared if declared.name == name), None)


@dataclass(frozen=True, slots=True)
class Edge:
    """One tensor on its way from the layer that made it to a layer that reads it.

    Attributes:
        source: Id of the producer.
        target: Id of the consumer.
        output: Which of the producer's outputs.
        input: Which of the consumer's inputs; of a value that escaped, a number behind the last of them.
        state: How the two agree.
        assumed: Whether it lies behind a repair, so that its shape is what would be if the repair were made.
        escaped: Whether the value left the framework on the way (`.item()`, NumPy).
        badge: The clash in a few characters, "2·hidden = 512 ≠ 256"; empty where there is none.
        axis: The clashing axis.
    """

    source: str
    target: str
    output: int = 0
    input: int = 0
    state: Agreement = Agreement.AGREE
    assumed: bool = False
    escaped: bool = False
    badge: str = ""
    axis: int | None = None


class ClashKind(StrEnum):
    """What a layer or operation refused about its tensors."""

    SIZE = "size"
    """An axis has another size than it takes."""
    DIVISOR = "divisor"
    """An axis cannot be split into so many equal parts."""
    RANK = "rank"
    """The number of axes is another than it takes."""
    FORM = "form"
    """A pair where it takes one tensor, or one tensor where it takes a pair."""
    DTYPE = "dtype"
    INDEX = "index"
    """A value is out of the range of what it indexes."""
    RANGE = "range"
    """The values are none that it takes, as numbers that are no probabilities."""
    DEVICE = "device"
    WEIGHTS = "weights"
    """The weights of a checkpoint have other shapes or names than those of the model."""
    TIME = "time"
    """It was still running when its time was over."""
    MEMORY = "memory"
    """It asked for more memory than there is."""
    OTHER = "other"
    """It raised for a reason that its tensors do not show."""


@dataclass(frozen=True, slots=True)
class Clash:
    """A place where a recorded run was refused.

    Attributes:
        layer_id: The node that refused.
        kind: What about.
        input: Which of its inputs is at fault.
        axis: The axis of that input.
        expected: What the node takes there (a size, rank, dtype, range or shape).
        got: What it was given.
        against: Index of the input that it was compared with, None when the node itself declares it.
        repair: What was done to carry on; empty if the run stopped here.
        error: Type and text of the framework's own error.
    """

    layer_id: str
    kind: ClashKind
    input: int = 0
    axis: int | None = None
    expected: object = None
    got: object = None
    against: int | None = None
    repair: str = ""
    error: str = ""


@dataclass(frozen=True)
class LayerGraph:
    """Layers in the order in which they ran, and the tensors between them.

    Attributes:
        layers: Every node, in execution order; a group comes before what is in it.
        edges: Every tensor handed from one node to another. Groups have no edges of their own.
        sizes: The named sizes in the user's own run: {"B": 32, "T": 100, "hidden": 256}.
        title: Class name of the model.
    """

    layers: tuple[Layer, ...]
    edges: tuple[Edge, ...]
    sizes: Mapping[str, int] = field(default_factory=dict)
    title: str = ""

    @cached_property
    def by_id(self) -> dict[str, Layer]:
        """The layers by their id."""
        return {layer.id: layer for layer in self.layers}

    def into(self, layer_id: str) -> Sequence[Edge]:
        """The edges that end at a layer, in the order of its inputs."""
        return self._into.get(layer_id, ())

    def out_of(self, layer_id: str) -> Sequence[Edge]:
        """The edges that start at a layer."""
        return self._out_of.get(layer_id, ())

    @cached_property
    def _into(self) -> dict[str, list[Edge]]:
        edges: dict[str, list[Edge]] = {}
        for edge in sorted(self.edges, key=lambda edge: edge.input):
            edges.setdefault(edge.target, []).append(edge)
        return edges

    @cached_property
    def _out_of(self) -> dict[str, list[Edge]]:
        edges: dict[str, list[Edge]] = {}
        for edge in self.edges:
            edges.setdefault(edge.source, []).append(edge)
        return edges


@dataclass(frozen=True)
class Recording:
    """One recorded run.

    Attributes:
        graph: What ran.
        clashes: Where it was refused, in the order met.
        sizes: The named sizes that it ran at.
        stopped: Type and text of the error that ended it, None if it ran through (repairs included).
        seconds: How long it took.
        out_of_time: Whether it was ended by its time limit.
    """

    graph: LayerGraph
    clashes: tuple[Clash, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    stopped: str | None = None
    seconds: float = 0.0
    out_of_time: bool = False
