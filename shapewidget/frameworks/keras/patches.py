"""Where Keras and TensorFlow are wrapped while recording; every wrap is undone in `finally`.

Layers are seen at `Layer.__call__`, operations on symbolic tensors at `Operation.symbolic_call`, operations of
TensorFlow between layers through its callbacks. A refused operation calls no callback: it is seen where TensorFlow
turns its status into an error, with its operands in the frame that called the kernel. Our own frames are hidden from
the tracebacks of IPython and pytest (`__tracebackhide__`), and left out of those that Keras and TensorFlow shorten.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import keras
import tensorflow as tf
from keras.src.losses import loss as keras_loss
from keras.src.metrics.reduction_metrics import MeanMetricWrapper
from keras.src.utils import traceback_utils as keras_tracebacks
from tensorflow.python.eager import execute
from tensorflow.python.framework import op_callbacks, ops
from tensorflow.python.util import traceback_utils as tensorflow_tracebacks

from shapewidget.frameworks.keras import losses
from shapewidget.frameworks.keras.loss_calls import LossCalls, Original

_HERE = str(Path(__file__).parent)
_GENERATED = re.compile(r"gen_\w+_ops\.py$")
"""Where TensorFlow calls its kernels, with their operands as arguments."""
_USES = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch", "save", "save_weights")


Wrap = Callable[[Original], Original]
"""Makes of a function what stands in its place."""


class Recorder(Protocol):
    """What is told of everything that runs."""

    losses: LossCalls

    def traced(self, stand_in: Original, original: Original, called: Any, args: Any, kwargs: Any) -> Any:
        """Note a call that is the user's own, and run what stands in for it."""

    def used(self, model: Any, x: Any = None, *args: Any, **kwargs: Any) -> None:
        """A model is put to use on some data, or written to a file."""

    def compiled(self, model: Any) -> None:
        """A model is compiled."""

    def made(self, instance: Any) -> None:
        """Something was made that can be called."""

    def call_layer(self, original: Original, layer: Any, args: Any, kwargs: Any) -> Any:
        """Stand in for `Layer.__call__`."""

    def build_layer(self, original: Original, layer: Any, *args: Any) -> Any:
        """Stand in for `Layer._maybe_build`."""

    def call_symbolic(self, original: Original, operation: Any, args: Any, kwargs: Any) -> Any:
        """Stand in for `Operation.symbolic_call`."""

    def ran(self, name: str, inputs: Any, outputs: Any, attributes: Any) -> None:
        """An operation of TensorFlow ran."""

    def refused(self, name: str, arguments: Mapping[str, Any], error: BaseException) -> None:
        """An operation of TensorFlow was refused."""

    def gradient(self, original: Original, tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        """Stand in for `tf.GradientTape.gradient`."""

    def set_weights(self, original: Original, layer: Any, weights: Any) -> Any:
        """Stand in for `Layer.set_weights`."""

    def unseen(self, original: Original, *args: Any, **kwargs: Any) -> Any:
        """Run what is no part of the data flow: backward passes and optimiser steps."""


@contextlib.contextmanager
def installed(recorder: Recorder) -> Iterator[None]:
    """Tell the recorder of everything that the block runs."""

    def callback(kind: Any, inputs: Any, attributes: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> None:
        if graph is None:
            recorder.ran(kind.decode() if isinstance(kind, bytes) else kind, inputs, outputs, attributes)

    with contextlib.ExitStack() as stack:
        op_callbacks.add_op_callback(callback)
        stack.callback(op_callbacks.remove_op_callback, callback)  # last: it puts `quick_execute` back where it was
        for tracebacks in (keras_tracebacks, tensorflow_tracebacks):
            stack.enter_context(_replaced(tracebacks, "_EXCLUDED_PATHS", lambda paths: (*paths, _HERE)))
        for owner, name, wrap in _wraps(recorder):
            stack.enter_context(_replaced(owner, name, wrap))
        yield


@contextlib.contextmanager
def eager_functions() -> Iterator[None]:
    """Run `tf.function`s, and with them `fit`, as written."""
    was = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(was)


@contextlib.contextmanager
def _replaced(owner: Any, name: str, wrap: Callable[[Any], Any]) -> Iterator[None]:
    own = vars(owner).get(name)
    setattr(owner, name, wrap(getattr(owner, name)))
    try:
        yield
    finally:
        if own is not None:
            setattr(owner, name, own)
        else:
            delattr(owner, name)  # it is inherited


def _wraps(recorder: Recorder) -> list[tuple[Any, str, Wrap]]:
    """Owner and name of every function that is replaced, and what makes another of it."""
    return [*_of_layers(recorder), *_of_training(recorder), *_of_tensorflow(recorder)]


def _of_layers(recorder: Recorder) -> list[tuple[Any, str, Wrap]]:
    return [
        (keras.Operation, "__new__", _making(recorder)),
        (keras.layers.Layer, "__call__", _traced(recorder, recorder.call_layer)),
        (keras.layers.Layer, "_maybe_build", _instead(recorder.build_layer)),
        (keras.layers.Layer, "set_weights", _instead(recorder.set_weights)),
        (keras.Operation, "symbolic_call", _traced(recorder, recorder.call_symbolic)),
    ]


def _of_training(recorder: Recorder) -> list[tuple[Any, str, Wrap]]:
    def reduced(original: Original, values: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        recorder.losses.values(values)
        return recorder.unseen(original, values, *args, **kwargs)

    return [
        *((keras.Model, name, _told_first(recorder.used)) for name in _USES),
        (keras.Model, "compile", _told_first(lambda model, *_, **__: recorder.compiled(model))),
        (keras.losses.Loss, "__init__", _told_first(lambda made, *_, **__: recorder.made(made))),
        (keras.metrics.Metric, "__init__", _told_first(lambda made, *_, **__: recorder.made(made))),
        (keras.losses.Loss, "__call__", _traced(recorder, recorder.losses.loss)),
        (MeanMetricWrapper, "update_state", _traced(recorder, recorder.losses.metric)),
        (losses.IOU, "update_state", _traced(recorder, recorder.losses.metric)),
        (keras_loss, "reduce_weighted_values", _instead(reduced)),
        (keras.optimizers.Optimizer, "apply", _instead(recorder.unseen)),
    ]


def _of_tensorflow(recorder: Recorder) -> list[tuple[Any, str, Wrap]]:
    return [
        (ops, "raise_from_not_ok_status", lambda original: _refused_eagerly(recorder, original)),
        (execute, "quick_execute", lambda original: _refused_in_a_fallback(recorder, original)),
        (ops, "_create_c_op", lambda original: _refused_in_a_graph(recorder, original)),
        (tf.GradientTape, "gradient", _instead(recorder.gradient)),
        (tf.GradientTape, "jacobian", _instead(recorder.unseen)),
    ]


def _traced(recorder: Recorder, stand_in: Callable[..., Any]) -> Wrap:
    """A method whose calls by the user's own code are noted, with another in its place."""

    def wrap(original: Original) -> Original:
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            return recorder.traced(stand_in, original, self, args, kwargs)

        return call

    return wrap


def _instead(stand_in: Callable[..., Any]) -> Wrap:
    """What stands in for a function is given that first."""

    def wrap(original: Original) -> Original:
        def call(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            return stand_in(original, *args, **kwargs)

        return call

    return wrap


def _told_first(tell: Callable[..., None]) -> Wrap:
    """A function that is told of with its arguments, and then called."""

    def wrap(original: Original) -> Original:
        def call(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            tell(*args, **kwargs)
            return original(*args, **kwargs)

        return call

    return wrap


def _making(recorder: Recorder) -> Wrap:
    def wrap(original: Original) -> Original:
        def make(cls: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            instance = original(cls, *args, **kwargs)
            recorder.made(instance)
            return instance

        return make

    return wrap


def _refused_eagerly(recorder: Recorder, original: Original) -> Original:
    def stand_in(error: BaseException, name: Any) -> Any:
        __tracebackhide__ = True
        _tell(recorder, sys._getframe(1), error)
        return original(error, name)

    return stand_in


def _refused_in_a_fallback(recorder: Recorder, original: Original) -> Original:
    def stand_in(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            return original(*args, **kwargs)
        except Exception as error:
            _tell(recorder, sys._getframe(1), error)
            raise

    return stand_in


def _tell(recorder: Recorder, frame: FrameType | None, error: BaseException) -> None:
    """Say which kernel was refused: the function around the call has its operands as arguments."""
    while frame is not None and not _GENERATED.search(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is not None:
        code = frame.f_code
        names = [name for name in code.co_varnames[: code.co_argcount] if name in frame.f_locals]
        arguments = {name: frame.f_locals[name] for name in names}
        recorder.refused(code.co_name.removesuffix("_eager_fallback"), arguments, error)


def _refused_in_a_graph(recorder: Recorder, original: Original) -> Original:
    def stand_in(graph: Any, node_def: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            return original(graph, node_def, inputs, *args, **kwargs)
        except ValueError as error:
            recorder.refused(str(node_def.op), {str(place): value for place, value in enumerate(inputs)}, error)
            raise

    return stand_in
