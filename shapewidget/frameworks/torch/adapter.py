"""The adapter of PyTorch: one place that ties its parts together and guards the user's model."""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn

from shapewidget.errors import InputError
from shapewidget.frameworks.adapter import Attempt, Batch, Constructor, Effort, Failure
from shapewidget.frameworks.host import available_bytes
from shapewidget.frameworks.nesting import split
from shapewidget.frameworks.torch import flops
from shapewidget.frameworks.torch.attempt import attempt
from shapewidget.frameworks.torch.capacity import capacity_of, described, shortage
from shapewidget.frameworks.torch.constructor import find_constructor
from shapewidget.frameworks.torch.failure import failure_of
from shapewidget.frameworks.torch.follow import follow
from shapewidget.frameworks.torch.guard import seeded
from shapewidget.frameworks.torch.independence import independence
from shapewidget.frameworks.torch.inputs import make_batch
from shapewidget.frameworks.torch.label_padding import counted_padding
from shapewidget.frameworks.torch.masking import masks
from shapewidget.frameworks.torch.measure import measure
from shapewidget.frameworks.torch.parts import with_forward
from shapewidget.frameworks.torch.record import record
from shapewidget.frameworks.torch.resize import batch_sizes, resized
from shapewidget.frameworks.torch.same_results import gives_the_same
from shapewidget.frameworks.torch.sending import packed
from shapewidget.frameworks.torch.signature import as_arguments, parts_taken
from shapewidget.frameworks.torch.tables import tables
from shapewidget.frameworks.torch.watch import Watch
from shapewidget.graph.costs import Measurement
from shapewidget.graph.independence import Independence
from shapewidget.graph.masking import Mask
from shapewidget.graph.padding import CountedPadding, PaddedLabels
from shapewidget.graph.records import LayerGraph, Recording
from shapewidget.graph.remedies import Remedy


class TorchAdapter:
    """See `shapewidget.frameworks.adapter.Adapter` for what every method promises."""

    name = "torch"

    def accepts(self, model: Any) -> bool:
        """Whether it is a `torch.nn.Module`."""
        return isinstance(model, nn.Module)

    def device(self, model: nn.Module) -> str:
        """Where the first weight is; "cpu" for a model without weights."""
        weight = next(model.parameters(), None)
        return str(weight.device) if weight is not None else "cpu"

    def room(self, model: nn.Module) -> int | None:
        """Bytes that the host has free; None where another device raises an error of its own."""
        return available_bytes() if self.device(model) == "cpu" else None

    def capacity(self, model: nn.Module) -> int | None:
        """Bytes that are free on the model's device; on a GPU also what PyTorch holds there and does not use."""
        return capacity_of(torch.device(self.device(model)))

    def shortage(self, model: nn.Module, error: BaseException) -> str:
        """What PyTorch says when memory ran out, on any device."""
        return shortage(error, self.device(model))

    def machine(self, model: nn.Module) -> str:
        """Device, threads and version of PyTorch."""
        return described(torch.device(self.device(model)))

    def peak_flops(self, model: nn.Module) -> float | None:
        """Of a product of large matrices, in the dtype of the first weight; None where it has no room, or no kernel."""
        weight = next((weight for weight in model.parameters() if weight.is_floating_point()), None)
        with contextlib.suppress(RuntimeError):
            return None if weight is None else flops.peak(weight.device, weight.dtype)
        return None

    def seeded(self, seed: int) -> AbstractContextManager[None]:
        """Seeds Python, PyTorch on all devices, and NumPy where it is loaded."""
        return seeded(seed)

    def packed(self, content: object) -> bytes:
        """Pickled, with shapes in place of weights."""
        return packed(content)

    def on_device(self, model: nn.Module, device: str) -> nn.Module:
        """A copy on that device; the model itself if it is there."""
        try:
            wanted = torch.device(device)
            if str(wanted) == "cuda" and torch.cuda.is_available():
                wanted = torch.device("cuda", torch.cuda.current_device())
            torch.empty(0, device=wanted)
        except (RuntimeError, AssertionError) as error:
            raise InputError(
                f"device={device!r} cannot be used: {str(error).splitlines()[0]}. Expected a device of this machine, "
                f'such as "cpu"; leave `device` out to probe where the model is ({self.device(model)}).'
            ) from error
        return model if str(wanted) == self.device(model) else copy.deepcopy(model).to(wanted)

    def runnable(self, model: nn.Module, inputs: Any) -> nn.Module:
        """The model, or the parts of a container that has no forward."""
        return with_forward(model, inputs)

    def follow(self, model: nn.Module, called: Callable[..., float]) -> Callable[[], None]:
        """Be told of every call of the model."""
        return follow(model, called)

    def batch(self, model: nn.Module, inputs: Any, targets: Any, axes: Any, loss: Any) -> Batch:
        """The user's inputs with their axes named, or inputs derived from the model."""
        return make_batch(model, inputs, targets, axes, loss)

    def split(self, model: nn.Module, batch: Any, loss: Callable[..., Any] | None) -> tuple[Any, Any]:
        """Inputs and targets of a loader's batch."""
        if not isinstance(batch, tuple | list) or not batch or isinstance(batch[0], tuple | list | dict):
            inputs, targets = split(batch)
            return as_arguments(model, inputs), targets
        return split(batch, parts_taken(model, len(batch), has_loss=loss is not None))

    def counted_padding(
        self, model: nn.Module, batch: Batch, loss: Callable[..., Any], labels: PaddedLabels
    ) -> CountedPadding | None:
        """The padding among the labels that a loss counts."""
        return counted_padding(model, batch, loss, labels)

    def sizes(self, batch: Batch) -> Mapping[str, int]:
        """The named sizes of a batch."""
        return batch_sizes(batch)

    def resized(self, model: nn.Module, batch: Batch, sizes: Mapping[str, int]) -> Batch:
        """The batch at other sizes."""
        return resized(model, batch, sizes)

    def record(
        self,
        model: nn.Module,
        batch: Batch,
        loss: Callable[..., Any] | None,
        *,
        repair: bool = True,
        time_limit: float | None = None,
    ) -> Recording:
        """One recorded run on the untouched model; what it warns of is told by findings, not several times over."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return record(model, batch, loss, repair=repair, time_limit=time_limit)

    def independence(
        self, model: nn.Module, batch: Batch, graph: LayerGraph, sizes: Mapping[str, int]
    ) -> Independence | None:
        """Two more runs, which differ in one sample."""
        with warnings.catch_warnings(), contextlib.suppress(Exception):
            warnings.simplefilter("ignore")
            return independence(model, batch, graph, sizes)
        return None

    def tables(self, model: nn.Module) -> Mapping[tuple[int, ...], tuple[int, int]]:
        """Of the buffers."""
        return tables(model)

    def masks(self, model: nn.Module, batch: Batch) -> Mapping[tuple[str, int], Mask]:
        """One more run, whose tensors of two values are held against the inputs."""
        with warnings.catch_warnings(), contextlib.suppress(Exception):
            warnings.simplefilter("ignore")
            return masks(model, batch)
        return {}

    def watch(self) -> Watch:
        """Records whatever the block runs."""
        return Watch()

    def failure(self, error: BaseException) -> Failure | None:
        """What the frames of an exception hold of the call that raised it."""
        return failure_of(error)

    def constructor(self, model: nn.Module, build: Callable[..., nn.Module] | None) -> Constructor:
        """How to build the model again."""
        return find_constructor(model, build)

    def attempt(
        self,
        model: nn.Module,
        constructor: Constructor | None,
        remedy: Remedy,
        loss: Callable[..., Any] | None = None,
    ) -> Attempt | None:
        """A copy of the model, or of the loss, with the remedy applied."""
        return attempt(model, constructor, remedy, loss)

    def gives_the_same(self, model: nn.Module, attempt: Attempt, batch: Batch, loss: Callable[..., Any] | None) -> bool:
        """One run of each, under one seed."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return gives_the_same(model, attempt, batch, loss)

    def measure(
        self,
        model: nn.Module,
        batch: Batch,
        *,
        loss: Callable[..., Any] | None,
        optimizer: Callable[..., Any] | None,
        sizes: Mapping[str, int],
        effort: Effort,
        training: bool = True,
        step: Callable[..., Any] | None = None,
    ) -> Generator[None, None, Measurement]:
        """Time and memory, on a copy, one call a slice."""
        return measure(
            model,
            batch,
            loss=loss,
            optimizer=optimizer,
            sizes=sizes,
            effort=effort,
            training=training,
            step=step,
        )
