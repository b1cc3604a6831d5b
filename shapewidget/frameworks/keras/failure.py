"""What the frames of an exception hold of the call of Keras or TensorFlow that raised it.

Keras takes its own frames out of a traceback, and leaves the outermost function of its own that the user has called,
with its arguments: a layer, a model, or `fit`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import keras
import numpy as np

from shapewidget.frameworks.adapter import Failure, Program
from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.frameworks.keras.datasets import is_dataset
from shapewidget.frameworks.keras.history import called_again, compared_again
from shapewidget.frameworks.keras.lines import lines_of
from shapewidget.frameworks.keras.tensors import is_symbolic, leaves
from shapewidget.frameworks.source.frames import Capture, is_own
from shapewidget.graph.records import LayerGraph, Recording

_HANDLER = "error_handler"
_USES = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")
_MOST_SAMPLES = 32


@dataclass(frozen=True)
class _Called:
    """A function of Keras that the user has called.

    Attributes:
        name: Its name.
        owner: What it is a method of.
        args: Its other positional arguments.
        kwargs: Its keyword arguments.
    """

    name: str
    owner: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def failure_of(error: BaseException) -> Failure | None:
    """What can be run again of what raised an error; None where nothing of Keras or TensorFlow was at work."""
    frames = list(_frames(error))
    called = next((found for frame, _ in frames if (found := _called(frame)) is not None), None)
    own = [(frame.f_code, place) for frame, place in frames if is_own(frame.f_code.co_filename)]
    line = own[-1] if own else None
    if called is not None and called.name in _USES and isinstance(called.owner, keras.Model):
        return _of_use(called)
    if called is not None and called.name == "__call__" and isinstance(called.owner, keras.Operation):
        if is_symbolic((called.args, called.kwargs)):
            return Failure(_nothing(), program=called_again(called.owner, called.args, called.kwargs, line))
        if isinstance(called.owner, keras.layers.Layer):
            return Failure(_nothing(), called.owner, {**called.kwargs} if not called.args else called.args)
    losses = (_loss(frame, line) for frame, _ in reversed(frames))
    program = next(filter(None, losses), None) or _lines(frames)
    return Failure(_nothing(), program=program) if program is not None else None


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame, trace.tb_lasti
        trace = trace.tb_next


def _called(frame: FrameType) -> _Called | None:
    values = frame.f_locals
    if frame.f_code is keras.Operation.symbolic_call.__code__:
        return _Called("__call__", values["self"], values["args"], values["kwargs"])
    function, args = values.get("fn"), values.get("args")
    if frame.f_code.co_name != _HANDLER or not isinstance(args, tuple) or not args or "keras" not in _module(function):
        return None
    return _Called(str(getattr(function, "__name__", "")), args[0], args[1:], dict(values.get("kwargs") or {}))


def _module(function: object) -> str:
    return str(getattr(function, "__module__", None))


def _loss(frame: FrameType, place: Capture | None) -> Program | None:
    """The loss that the user called itself, on some line."""
    if frame.f_code is not keras.losses.Loss.__call__.__code__:
        return None
    values = frame.f_locals
    given = tuple(values.get(name) for name in ("y_true", "y_pred", "sample_weight"))
    return compared_again(values["self"], given, place)


def _lines(frames: list[tuple[FrameType, int]]) -> Program | None:
    """The user's own line, where it called TensorFlow or an operation of Keras itself."""
    own = [place for place in frames if is_own(place[0].f_code.co_filename)]
    at_work = any(_module_of(frame).startswith((*BACKEND.packages, "keras")) for frame, _ in frames)
    return lines_of(own[-1], lambda _: {}) if own and at_work else None


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__"))


def _nothing() -> Recording:
    return Recording(LayerGraph((), ()))


def _of_use(called: _Called) -> Failure:
    """The model with the first batch of what it was to be trained or tested on."""
    names = ("x", "y") if called.name != "predict" else ("x",)
    given = {**dict(zip(names, called.args, strict=False)), **called.kwargs}
    inputs, targets = given.get("x"), given.get("y")
    if is_dataset(inputs):
        return Failure(_nothing(), called.owner, loss=_compiled(called.owner), loader=inputs)
    if not leaves(inputs):  # a generator, whose batches are gone
        return Failure(_nothing())
    size = given.get("batch_size") if isinstance(given.get("batch_size"), int) else _MOST_SAMPLES
    inputs, targets = (_first(value, size) for value in (inputs, targets))
    return Failure(_nothing(), called.owner, inputs, targets, _compiled(called.owner) if targets is not None else None)


def _first(values: Any, size: Any) -> Any:
    return keras.tree.map_structure(lambda each: np.asarray(each)[:size], values) if values is not None else None


def _compiled(model: keras.Model) -> Any:
    """The one loss that a model was compiled with; None for several."""
    loss = getattr(model, "loss", None)
    return loss if isinstance(loss, str) or callable(loss) else None
