"""A model with all that a run of it takes, at any sizes; can be sent to another process."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from shapewidget.errors import InputError, RebuildError, ShapeWidgetError
from shapewidget.frameworks.adapter import Adapter, Batch, Constructor, Effort, Model
from shapewidget.frameworks.registry import adapter_for
from shapewidget.frameworks.slices import finished
from shapewidget.graph.costs import Measurement
from shapewidget.probing.sizes import BATCH, TIME

Point = Mapping[str, Any]
"""Named sizes, and values of other constructor arguments, that are to be other than in the user's own run."""


@dataclass(frozen=True)
class Program:
    """What is measured.

    Attributes:
        adapter: Of the model's framework.
        model: The user's own, which is left as it is.
        batch: Its inputs and targets.
        constructor: How to build it again; None where that is not known.
        loss: Called as ``loss(outputs, targets)``.
        optimizer: Makes an optimiser of an iterable of weights.
        step: Makes a whole training step.
        training: Whether to make training steps too.
        seed: Every point starts from it.
    """

    adapter: Adapter
    model: Model
    batch: Batch
    constructor: Constructor | None
    loss: Callable[..., Any] | None
    optimizer: Callable[..., Any] | None
    step: Callable[..., Any] | None
    training: bool
    seed: int

    @functools.cached_property
    def arguments(self) -> dict[str, int]:
        """The size arguments of the constructor; none where it is not known."""
        return dict(self.constructor.size_arguments()) if self.constructor is not None else {}

    @functools.cached_property
    def sizes(self) -> dict[str, Any]:
        """The named sizes of the batch, and the size arguments of the constructor."""
        return {**self.arguments, **self.adapter.sizes(self.batch)}

    @property
    def settings(self) -> dict[str, Any]:
        """What tells one program from another in a few words: plain arguments, mode, device, names of functions."""
        arguments = self.constructor.arguments if self.constructor is not None else {}
        plain = {name: it for name, it in arguments.items() if it is None or isinstance(it, int | float | str)}
        functions = {"loss": self.loss, "optimizer": self.optimizer, "step": self.step}
        named = {name: getattr(it, "__name__", type(it).__name__) for name, it in functions.items() if it is not None}
        mode = "train" if self.training else "forward"
        return {**plain, **named, "mode": mode, "device": self.adapter.device(self.model)}

    def name_of(self, keyword: str) -> str:
        """What a keyword of `sweep` stands for: "B" for batch_size, "hidden" for hidden_size.

        Raises:
            InputError: The model has no such size.
        """
        hidden = self.constructor.hidden_argument() if self.constructor is not None else None
        known = {"batch_size": BATCH, "sequence_length": TIME, "hidden_size": hidden or "hidden_size"}
        name = known.get(keyword, keyword)
        arguments = self.constructor.arguments if self.constructor is not None else {}
        if name in arguments or name in self.sizes:
            return name
        if keyword in ("batch_size", "sequence_length"):
            raise InputError(
                f'{keyword} cannot be varied: the inputs have no axis that is it. If one is, name it: axes="B T".'
            )
        raise InputError(
            f"{keyword} cannot be varied: the {type(self.model).__name__} has no such argument that is known"
            f"{'; expected one of ' if arguments else ''}{', '.join(arguments)}. "
            f"Pass build=lambda {keyword}: ..., which gives a model."
        )

    def measuring(self, point: Point, effort: Effort) -> Generator[None, None, Measurement]:
        """Measure at one point, one call of the model a slice."""
        axes = {name: point.get(name, size) for name, size in self.adapter.sizes(self.batch).items()}
        changes = {name: value for name, value in point.items() if name not in axes and self._is_new(name, value)}
        with self.adapter.seeded(self.seed):
            model = self.constructor.build(**changes) if changes and self.constructor is not None else self.model
            batch = self.adapter.resized(model, self.batch, axes)
        slices = self.adapter.measure(
            model,
            batch,
            loss=self.loss,
            optimizer=self.optimizer,
            sizes={**self.sizes, **point},
            effort=effort,
            training=self.training,
            step=self.step,
        )
        del model, batch
        while True:
            try:
                with self.adapter.seeded(self.seed):
                    next(slices)
            except StopIteration as end:
                measured: Measurement = end.value
                peak = self.adapter.peak_flops(self.model) if measured.flops else None
                return replace(measured, peak_flops=peak)
            yield

    def _is_new(self, name: str, value: object) -> bool:
        return self.constructor is None or self.constructor.arguments.get(name) != value

    def marked(self, point: Point, error: BaseException) -> Measurement:
        """A point that could not be measured."""
        lack = self.adapter.shortage(self.model, error)
        text = str(error) if isinstance(error, ShapeWidgetError) else f"{type(error).__name__}: {error}"
        device = self.adapter.device(self.model)
        return Measurement({**self.sizes, **point}, device, None, None, None, refusal=lack or text, fits=not lack)

    def packed(self) -> bytes:
        """The program as a message.

        Raises:
            InputError: Something in it cannot be sent; says what.
        """
        try:
            return self.adapter.packed(self)
        except Exception as error:
            raise InputError(
                f"The {type(self.model).__name__} cannot be sent to other processes: {type(error).__name__}: {error}. "
                "Define the model, the loss and the optimiser in a module, or install cloudpickle, which can send what "
                "is defined in a notebook."
            ) from error


def program(
    model: Any,
    inputs: Any,
    *,
    targets: Any,
    loss: Callable[..., Any] | None,
    axes: Any,
    build: Callable[..., Any] | None,
    optimizer: Callable[..., Any] | None,
    step: Callable[..., Any] | None,
    device: str | None,
    training: bool,
    seed: int,
) -> Program:
    """Make a program of what a user hands in; see `shapewidget.sweep` for the arguments."""
    adapter = adapter_for(model)
    if device is not None:
        model = adapter.on_device(model, device)
    batch = adapter.batch(model, inputs, targets, axes, loss)
    try:
        constructor: Constructor | None = adapter.constructor(model, build)
    except RebuildError:
        if build is not None:
            raise
        constructor = None
    return Program(adapter, model, batch, constructor, loss, optimizer, step, training, seed)


def run_packed(message: bytes, point: Point) -> Measurement:
    """Measure one point of a program that was sent; raises nothing that a point is to blame for."""
    sent = _unpacked(message)
    return run(sent, point)


def run(sent: Program, point: Point) -> Measurement:
    """Measure one point; what raises is a marked point."""
    try:
        return finished(sent.measuring(point, Effort.USUAL))
    except Exception as error:
        return sent.marked(point, error)


@functools.lru_cache(maxsize=2)
def _unpacked(message: bytes) -> Program:
    """Once a process, however many points it measures."""
    sent: Program = pickle.loads(message)
    return sent
