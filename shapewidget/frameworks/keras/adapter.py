"""The adapter of Keras 3 on TensorFlow: one place that ties its parts together and guards the user's model."""

from __future__ import annotations

import contextlib
import pickle
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import keras

from shapewidget.errors import InputError, ProbeInputError, RebuildError
from shapewidget.frameworks.adapter import Attempt, Batch, Constructor, Effort, Failure
from shapewidget.frameworks.collector import uncollected
from shapewidget.frameworks.host import RESERVE, available_bytes, processor
from shapewidget.frameworks.keras.attempt import attempt, is_ours
from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.frameworks.keras.failure import failure_of
from shapewidget.frameworks.keras.guard import same_process_state, untouched
from shapewidget.frameworks.keras.independence import independence
from shapewidget.frameworks.keras.inputs import make_batch
from shapewidget.frameworks.keras.label_padding import counted_padding
from shapewidget.frameworks.keras.plain_modules import as_model, is_plain
from shapewidget.frameworks.keras.rebuild import find_constructor
from shapewidget.frameworks.keras.record import record
from shapewidget.frameworks.keras.remaking import copy_of
from shapewidget.frameworks.keras.resize import batch_sizes, resized
from shapewidget.frameworks.keras.same_results import gives_the_same
from shapewidget.frameworks.keras.watch import Watch
from shapewidget.frameworks.nesting import split
from shapewidget.frameworks.time_limit import limited
from shapewidget.graph.costs import Measurement
from shapewidget.graph.independence import Independence
from shapewidget.graph.masking import Mask
from shapewidget.graph.padding import CountedPadding, PaddedLabels
from shapewidget.graph.records import LayerGraph, Recording
from shapewidget.graph.remedies import Remedy

_NO_MEMORY = ("ResourceExhaustedError", "OutOfMemoryError")
"""Errors of the backends, which are not all loaded."""


class KerasAdapter:
    """See `shapewidget.frameworks.adapter.Adapter` for what every method promises."""

    name = "keras"

    def accepts(self, model: Any) -> bool:
        """Whether it is a Keras model or a layer of one, or a module of TensorFlow's that can be called."""
        return isinstance(model, keras.layers.Layer) or is_plain(model)

    def device(self, model: keras.Model) -> str:
        """Where the first weight is; "cpu" for a model without weights."""
        weight = next(iter(model.weights), None)
        if weight is None:
            return "cpu"
        return BACKEND.device(weight.value if isinstance(weight, keras.Variable) else weight)

    def room(self, model: keras.Model) -> int | None:
        """Bytes that the host has free; None where another device raises an error of its own."""
        return available_bytes() if self.device(model) == "cpu" else None

    def capacity(self, model: keras.Model) -> int | None:
        """Bytes that the host has free, less a reserve; a GPU that TensorFlow holds does not tell."""
        free = self.room(model)
        return None if free is None else max(0, free - RESERVE)

    def shortage(self, model: keras.Model, error: BaseException) -> str:
        """The words for an error of Python's, TensorFlow's or PyTorch's that says so."""
        if isinstance(error, MemoryError) or type(error).__name__ in _NO_MEMORY:
            return f"does not fit on {self.device(model)}: memory ran out. Choose a smaller size."
        return ""

    def machine(self, model: keras.Model) -> str:
        """Device, threads and version of Keras and its backend."""
        return f"{self.device(model)} {processor()}, {BACKEND.machine()}"

    def peak_flops(self, model: keras.Model) -> float | None:
        """What a product of large matrices reaches; None where the operations of a step are not counted."""
        return BACKEND.peak_flops(self.device(model))

    @contextlib.contextmanager
    def seeded(self, seed: int) -> Iterator[None]:
        """Seeds Python, NumPy and TensorFlow."""
        with same_process_state():
            keras.utils.set_random_seed(seed)
            yield

    def packed(self, content: object) -> bytes:
        """Pickled as it is."""
        return pickle.dumps(content)

    def on_device(self, model: keras.Model, device: str) -> keras.Model:
        """The model itself; TensorFlow places its own copies."""
        if device != self.device(model):
            raise InputError(
                f"device={device!r} cannot be chosen for a Keras model; it is on {self.device(model)}. Leave `device` "
                "out, or build the model in a tf.device block."
            )
        return model

    def runnable(self, model: Any, inputs: Any) -> keras.Model:
        """The model itself: every Keras layer can be called; a module of TensorFlow's as a model that calls it."""
        return as_model(model) if is_plain(model) else model

    def follow(self, model: keras.Model, called: Callable[..., float]) -> Callable[[], None]:
        """Tells of every call of the model, and of every batch of `fit` or of a `tf.function`."""
        return BACKEND.follow(model, called)

    def batch(self, model: keras.Model, inputs: Any, targets: Any, axes: Any, loss: Any) -> Batch:
        """The user's inputs with their axes named, or inputs derived from the model."""
        return make_batch(model, inputs, targets, axes)

    def split(self, model: keras.Model, batch: Any, loss: Callable[..., Any] | None) -> tuple[Any, Any]:
        """Inputs and targets of a loader's batch: Keras takes the first part, and the second."""
        return (batch[0], batch[1]) if isinstance(batch, tuple | list) and len(batch) > 1 else split(batch)

    def counted_padding(
        self, model: keras.Model, batch: Batch, loss: Callable[..., Any], labels: PaddedLabels
    ) -> CountedPadding | None:
        """The padding among the labels that a loss counts."""
        return counted_padding(model, batch, loss, labels)

    def sizes(self, batch: Batch) -> Mapping[str, int]:
        """The named sizes of a batch."""
        return batch_sizes(batch)

    def resized(self, model: keras.Model, batch: Batch, sizes: Mapping[str, int]) -> Batch:
        """The batch at other sizes."""
        return resized(batch, sizes)

    def record(
        self,
        model: keras.Model,
        batch: Batch,
        loss: Callable[..., Any] | None,
        *,
        repair: bool = True,
        time_limit: float | None = None,
    ) -> Recording:
        """One recorded run on the untouched model; one that was never built is copied first, as running builds it."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = _runnable(model)
            with uncollected(), untouched(model), BACKEND.eager_functions(), limited(time_limit):
                return record(model, batch, loss, repair=repair)

    def independence(
        self, model: keras.Model, batch: Batch, graph: LayerGraph, sizes: Mapping[str, int]
    ) -> Independence | None:
        """Two more runs, which differ in one sample; on a copy where a run would build the model."""
        with warnings.catch_warnings(), contextlib.suppress(Exception):
            warnings.simplefilter("ignore")
            model = _runnable(model)
            with untouched(model), BACKEND.eager_functions():
                return independence(model, batch, graph, sizes)
        return None

    def tables(self, model: keras.Model) -> Mapping[tuple[int, ...], tuple[int, int]]:
        """None: Keras layers keep no tables beside their weights."""
        return {}

    def masks(self, model: keras.Model, batch: Batch) -> Mapping[tuple[str, int], Mask]:
        """None: Keras hands masks on beside the tensors, where layers were made for them."""
        return {}

    def watch(self) -> Watch:
        """Records whatever the block runs."""
        return Watch()

    def failure(self, error: BaseException) -> Failure | None:
        """What can be run again: the model that was called or trained, a call while one was built, a loss, a line."""
        return failure_of(error)

    def constructor(self, model: keras.Model, build: Callable[..., keras.Model] | None) -> Constructor:
        """How to build the model again."""
        return find_constructor(model, build)

    def attempt(
        self,
        model: keras.Model,
        constructor: Constructor | None,
        remedy: Remedy,
        loss: Callable[..., Any] | None = None,
    ) -> Attempt | None:
        """A copy of the model with the remedy applied."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return attempt(model, remedy, loss)

    def gives_the_same(
        self, model: keras.Model, attempt: Attempt, batch: Batch, loss: Callable[..., Any] | None
    ) -> bool:
        """One run of each, under one seed."""
        with warnings.catch_warnings(), BACKEND.eager_functions():
            warnings.simplefilter("ignore")
            return gives_the_same(_runnable(model), attempt, batch, loss)

    def measure(
        self,
        model: keras.Model,
        batch: Batch,
        *,
        loss: Callable[..., Any] | None,
        optimizer: Callable[..., Any] | None,
        sizes: Mapping[str, int],
        effort: Effort,
        training: bool = True,
        step: Callable[..., Any] | None = None,
    ) -> Generator[None, None, Measurement]:
        """Time and memory, on a copy."""
        return BACKEND.measure()(
            model,
            batch,
            device=self.device(model),
            loss=loss,
            optimizer=optimizer,
            sizes=sizes,
            effort=effort,
            training=training,
            step=step,
        )


def _runnable(model: keras.Model) -> keras.Model:
    """The model, or a copy of one that was never called: running it would build it."""
    if is_ours(model) or all(layer.built for layer in model._flatten_layers()):
        return model
    try:
        return copy_of(model)
    except RebuildError as error:
        raise ProbeInputError(
            f"{type(model).__name__} was never called, probing would build it, and it cannot be copied: {error} "
            "Or call it once on a batch of your data first."
        ) from error
