"""What a framework has to do for us, and what it promises in return.

An adapter leaves the user's model exactly as it found it, also when the model raises: parameters, buffers, gradients,
training flags, hooks, attributes, random number generators. Whatever has to be changed is changed on a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from shapewidget.frameworks.source.loop_replay import LoopReplay
from shapewidget.graph.batches import SamplerPasses
from shapewidget.graph.costs import Measurement
from shapewidget.graph.independence import Independence
from shapewidget.graph.masking import Mask
from shapewidget.graph.padding import CountedPadding, PaddedLabels
from shapewidget.graph.records import LayerGraph, Recording, SourceLine
from shapewidget.graph.remedies import Remedy, SourceEdit
from shapewidget.graph.training import TrainingLog

Tensor = Any
Model = Any
Axes = tuple[tuple[str, ...], ...]
"""One tuple of axis names for every tensor leaf of the inputs, in the order of `Batch.leaves`: (("B", "T"),)."""


@dataclass(frozen=True)
class Batch:
    """Everything that one call of the model and its loss takes.

    Attributes:
        args: Positional inputs; any nesting of tuples, lists and dicts of tensors.
        kwargs: Keyword inputs.
        targets: What the loss compares with; None without a loss.
        axes: Names of the axes of every tensor leaf, ("B", "T") for token ids; an axis that is no symbol is "".
        target_axes: The same for the leaves of the targets.
        origin: How the batch came about, in one sentence; empty when the user gave it.
    """

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    targets: Any = None
    axes: Axes = ()
    target_axes: Axes = ()
    origin: str = ""


@dataclass(frozen=True)
class Attempt:
    """A remedy applied to a copy of the model.

    Attributes:
        model: The changed copy.
        fix: The change as one line of code: "self.head = nn.Linear(2 * hidden, tags)".
        patch: Unified diff of the user's source, None where there is no source to be seen.
        source: The line that the patch changes.
        loss: The loss function as changed, where the change is in it and not in the model.
        batch: What is done to a batch before it is handed over, where the change is in what the model is called with.
    """

    model: Model
    fix: str
    patch: str | None
    source: SourceLine | None = None
    loss: Callable[..., Any] | None = None
    batch: Callable[[Batch], Batch] | None = None


@dataclass(frozen=True, slots=True)
class InScope:
    """A tensor that the user's code could have handed over instead.

    Attributes:
        name: The name that it is read by: "labels".
        text: How it is written: "labels", "torch.cat(labels)".
        shape: Its shape.
        dtype: Its dtype.
    """

    name: str
    text: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Failure:
    """What the frames of an exception still held of the call that raised it. It holds no frame.

    Attributes:
        recording: The line that raised, with what it was given, as far as that can be seen.
        model: What can be run again: the outermost model that was running, the one whose outputs a loss refused, or
            the user's own lines as a model. None where nothing can be.
        inputs: What it was called with: a tuple, or a dict of keywords.
        targets: What the loss was given besides the outputs.
        loss: The user's own line that compares outputs and targets, where that is what raised.
        is_program: Whether the model stands for lines of the user's code, whose inputs have no axes that are known.
        loader: The loader that was being gone through when the error came from there.
        lines: The user's own lines as a model, also where they were taken apart into a model and a loss.
        values: The tensors that the lines read.
        others: What else was in scope where the error was raised.
        program: What led to the error, ready to be run again.
    """

    recording: Recording
    model: Model | None = None
    inputs: Any = None
    targets: Any = None
    loss: Callable[..., Any] | None = None
    is_program: bool = False
    loader: Any = None
    lines: Model | None = None
    values: Mapping[str, Any] | None = None
    others: tuple[InScope, ...] = ()
    program: Program | None = None


class Effort(Enum):
    """How thoroughly to measure.

    Attributes:
        seconds: How long a call is repeated at most, but three times at least; 0 for not at all.
        layer_seconds: How long the layers are timed one by one; 0 for their bytes alone, None for nothing of them.
        counts_operations: Whether floating-point operations are counted.
    """

    THOROUGH = (0.5, 0.1, True)
    """The sizes that somebody chose."""
    USUAL = (0.2, None, True)
    """One of many points."""
    BRIEF = (0.03, 0.0, False)
    """A point that nobody asked for, from which others are predicted."""
    BYTES = (0.0, 0.0, False)
    """The same, and only for its memory: nothing is timed."""

    def __init__(self, seconds: float, layer_seconds: float | None, counts_operations: bool) -> None:
        self.seconds, self.layer_seconds = seconds, layer_seconds
        self.counts_operations = counts_operations


class Constructor(Protocol):
    """A way to build the user's model again."""

    @property
    def arguments(self) -> Mapping[str, object]:
        """The constructor's arguments as they must have been."""

    @property
    def origin(self) -> str:
        """How they were found, in words."""

    def size_arguments(self) -> Mapping[str, int]:
        """The arguments that are sizes: whole numbers which change shapes of weights but not their names."""

    def hidden_argument(self) -> str | None:
        """The size argument that is the hidden size; None where that is not clear."""

    def build(self, **changes: object) -> Model:
        """The model with some arguments changed, on the user's device and in its mode.

        Raises:
            RebuildError: The class refused the arguments; says which and why.
        """


class Program(Protocol):
    """A part of a watched block that can be run again, on copies of what it used."""

    def record(self, attempt: Attempt | None) -> Recording:
        """Run it, as it was or as an attempt changes it."""

    def attempt(self, remedy: Remedy) -> Attempt | None:
        """A remedy, ready to be run; None where it cannot be applied."""


@dataclass(frozen=True)
class Called:
    """The first call of a model in a watched block, which can be made again.

    Attributes:
        path: What the watch calls the model; the ids of its nodes begin with it.
        model: The live model.
        inputs: What it was called with: a tuple, or a dict of keywords.
        targets: What its loss was given besides the outputs; None where that is not known.
        loss: What the user's lines do with its outputs, called as ``loss(outputs, targets)``.
    """

    path: str
    model: Model
    inputs: Any
    targets: Any = None
    loss: Callable[..., Any] | None = None


@dataclass(frozen=True)
class LoopRun:
    """What a loop did that was run again.

    Attributes:
        log: Batches, backward passes and steps.
        gradient: The length of the gradient that its first step used; None where it made none.
    """

    log: TrainingLog
    gradient: float | None


class Loop(Protocol):
    """A training loop of the program's that can be run again for a few seconds, on copies of what it trains."""

    replay: LoopReplay

    def run(self, edits: Sequence[SourceEdit] = (), names: Mapping[str, object] | None = None) -> LoopRun:
        """Run it with some lines edited, and with other values of some names.

        Raises:
            Exception: Whatever the loop raises.
        """


class Watch(AbstractContextManager["Watch"], Protocol):
    """Records what a block of code runs, exactly as it would run without us."""

    @property
    def is_partial(self) -> bool:
        """Whether only the first part was recorded."""

    def recording(self) -> Recording:
        """What ran; to be asked for after the block."""

    @property
    def deferred(self) -> Exception | None:
        """An error that was held back so that building could go on; it is for the end of the block to raise."""

    @property
    def speaks_for(self) -> str:
        """The framework that the watched one ran on, and whose own record tells nothing more; empty for none."""

    def program(self, layer_id: str) -> Program | None:
        """What ran around a node, and can be run again; None where it cannot."""

    def models(self) -> tuple[Called, ...]:
        """The models that the block called and that can be called again, each with its first call."""

    def same_epoch(self) -> tuple[SamplerPasses, ...]:
        """The samplers whose order depends on their epoch, and that were gone through several times at one."""

    def training(self) -> TrainingLog:
        """The batches, backward passes and optimiser steps of the block."""

    def loop(self, line: int) -> Loop | None:
        """The loop that a line of that log stands in, where it can be run again on copies; None where it cannot."""

    def loaders(self) -> tuple[tuple[Any, Model | None], ...]:
        """The loaders that can be gone through again, each with the model that was given it, where that is known."""

    def failed_loader(self) -> tuple[Any, int] | None:
        """The loader that could not give a batch, and which; None where none raised."""


class Adapter(Protocol):
    """One framework."""

    name: str

    def accepts(self, model: Model) -> bool:
        """Whether the model is of this framework."""

    def device(self, model: Model) -> str:
        """Where its weights are: "cuda:0"."""

    def room(self, model: Model) -> int | None:
        """Bytes of memory that can be taken; None where a lack of them raises an error that can be caught."""

    def capacity(self, model: Model) -> int | None:
        """Bytes that a run can take where the model is, which an error follows or not; None where that is not told."""

    def shortage(self, model: Model, error: BaseException) -> str:
        """Why something does not fit, where an error says that memory ran out; empty where it says something else."""

    def machine(self, model: Model) -> str:
        """Device, threads and version of the framework: runs on equal machines cost the same."""

    def peak_flops(self, model: Model) -> float | None:
        """Floating-point operations a second that the model's device does at best, measured; None where not known."""

    def seeded(self, seed: int) -> AbstractContextManager[None]:
        """In the block random numbers start from a seed; afterwards they go on as if nothing had been."""

    def packed(self, content: object) -> bytes:
        """Anything that holds models, pickled without the values of their weights."""

    def on_device(self, model: Model, device: str) -> Model:
        """A copy of the model on another device; the model itself if it is there already."""

    def runnable(self, model: Model, inputs: Any) -> Model:
        """What is called with the inputs: the model; of a mere container its parts, where the inputs name them."""

    def follow(self, model: Model, called: Callable[..., float]) -> Callable[[], None]:
        """Call a bound method with the inputs of every call of the live model, until what is given is called.

        What it gives are seconds for which it need not be called again.
        """

    def batch(self, model: Model, inputs: Any, targets: Any, axes: Any, loss: Any) -> Batch:
        """The probe batch: the user's own, named, or one derived from the model where `inputs` is None.

        Raises:
            InputError: The inputs are empty, or on another device, or their axes are named wrongly.
            ProbeInputError: No inputs were given and none can be derived.
        """

    def split(self, model: Model, batch: Any, loss: Callable[..., Any] | None) -> tuple[Any, Any]:
        """Inputs and targets of a loader's batch: as many parts as the model takes, and the one behind them."""

    def counted_padding(
        self, model: Model, batch: Batch, loss: Callable[..., Any], labels: PaddedLabels
    ) -> CountedPadding | None:
        """The padding among the labels that a loss counts; None where it leaves it out.

        Raises:
            Exception: Whatever the model or the loss raises.
        """

    def sizes(self, batch: Batch) -> Mapping[str, int]:
        """The named sizes that the axes of a batch have: {"B": 32, "T": 100}."""

    def resized(self, model: Model, batch: Batch, sizes: Mapping[str, int]) -> Batch:
        """The batch cropped or tiled to other sizes of its named axes; dtype and range of values stay legal."""

    def record(
        self,
        model: Model,
        batch: Batch,
        loss: Callable[..., Any] | None,
        *,
        repair: bool = True,
        time_limit: float | None = None,
    ) -> Recording:
        """Run the model, and the loss where there is one, once, and record the graph.

        Args:
            model: Left as found.
            batch: The inputs and targets.
            loss: Called as ``loss(outputs, targets)``.
            repair: Fit the tensor where a layer refuses it, note the clash and carry on.
            time_limit: Seconds after which the run is ended, with what was seen until then; None for no end.
        """

    def independence(
        self, model: Model, batch: Batch, graph: LayerGraph, sizes: Mapping[str, int]
    ) -> Independence | None:
        """What changes in every tensor when one sample of the batch is replaced.

        Args:
            model: Left as found.
            batch: At least two samples; runs through the model without an error.
            graph: The model's graph with its axes solved, which tells where the batch is in every tensor.
            sizes: The named sizes of the batch.

        Returns:
            None where it cannot be told: the model raises, runs differently each time, or takes no data to vary.
        """

    def tables(self, model: Model) -> Mapping[tuple[int, ...], tuple[int, int]]:
        """Rows and columns of the grids that the model keeps as tables of points, by the shape of the table."""

    def masks(self, model: Model, batch: Batch) -> Mapping[tuple[str, int], Mask]:
        """What every tensor of two values marks, by the node that made it and its output; empty where not known."""

    def watch(self) -> Watch:
        """Something to wrap around any code of the user's."""

    def failure(self, error: BaseException) -> Failure | None:
        """What the frames of an exception hold of the call of this framework that raised it; None if none did."""

    def constructor(self, model: Model, build: Callable[..., Model] | None) -> Constructor:
        """How to build the model at other sizes.

        Raises:
            RebuildError: No way was found; says what is missing.
        """

    def attempt(
        self,
        model: Model,
        constructor: Constructor | None,
        remedy: Remedy,
        loss: Callable[..., Any] | None = None,
    ) -> Attempt | None:
        """Apply a remedy to a copy of the model, or of the loss; None where it cannot be applied."""

    def gives_the_same(self, model: Model, attempt: Attempt, batch: Batch, loss: Callable[..., Any] | None) -> bool:
        """Whether the model and an attempt, given its weights, give the same for a batch, and the same loss.

        Raises:
            Exception: Whatever either of them raises.
        """

    def measure(
        self,
        model: Model,
        batch: Batch,
        *,
        loss: Callable[..., Any] | None,
        optimizer: Callable[..., Any] | None,
        sizes: Mapping[str, int],
        effort: Effort,
        training: bool = True,
        step: Callable[..., Any] | None = None,
    ) -> Generator[None, None, Measurement]:
        """Time and memory of a forward pass and of a training step, on a copy, one call of the model a slice.

        Closing the generator ends the measurement. A step of the user's own is called as
        ``step(model, inputs, targets, optimizer)``, with copies.
        """
