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


class Recorder(Protocol):
    """What is told of everything that runs."""

    losses: LossCalls

    def traced(self, stand_in: Original, original: Original, called: Any, args: Any, kwargs: Any) -> Any:
        """Note a call that is the user's own, and run what stands in for it."""

    def used(self, model: Any, given: Any) -> None:
        """A model is put to use on some data, or written to a file."""

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


def _wraps(recorder: Recorder) -> list[tuple[Any, str, Callable[[Original], Original]]]:
    def method(stand_in: Callable[..., Any]) -> Callable[[Original], Original]:
        def wrap(original: Original) -> Original:
            def call(self: Any, *args: Any, **kwargs: Any) -> Any:
                __tracebackhide__ = True
                return recorder.traced(stand_in, original, self, args, kwargs)

            return call

        return wrap

    def unseen(original: Original) -> Original:
        def call(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            return recorder.unseen(original, *args, **kwargs)

        return call

    def gradient(original: Original) -> Original:
        return lambda *args, **kwargs: recorder.gradient(original, *args, **kwargs)

    def build(original: Original) -> Original:
        def call(self: Any, *args: Any) -> Any:
            __tracebackhide__ = True
            return recorder.build_layer(original, self, *args)

        return call

    def weights(original: Original) -> Original:
        return lambda self, weights: recorder.set_weights(original, self, weights)

    def reduction(original: Original) -> Original:
        def reduce(values: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            recorder.losses.values(values)
            return recorder.unseen(original, values, *args, **kwargs)

        return reduce

    def making(original: Original) -> Original:
        def make(cls: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            instance = original(cls, *args, **kwargs)
            recorder.made(instance)
            return instance

        return make

    def starting(original: Original) -> Original:
        def start(self: Any, *args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            recorder.made(self)
            original(self, *args, **kwargs)

        return start

    def using(original: Original) -> Original:
        def use(self: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            recorder.used(self, args[0] if args else kwargs.get("x"))
            return original(self, *args, **kwargs)

        return use

    return [
        *((keras.Model, name, using) for name in _USES),
        (keras.Operation, "__new__", making),
        (keras.losses.Loss, "__init__", starting),
        (keras.metrics.Metric, "__init__", starting),
        (keras.layers.Layer, "__call__", method(recorder.call_layer)),
        (keras.layers.Layer, "_maybe_build", build),
        (keras.layers.Layer, "set_weights", weights),
        (keras.Operation, "symbolic_call", method(recorder.call_symbolic)),
        (keras.losses.Loss, "__call__", method(recorder.losses.loss)),
        (MeanMetricWrapper, "update_state", method(recorder.losses.metric)),
        (losses.IOU, "update_state", method(recorder.losses.metric)),
        (keras_loss, "reduce_weighted_values", reduction),
        (ops, "raise_from_not_ok_status", lambda original: _refused_eagerly(recorder, original)),
        (execute, "quick_execute", lambda original: _refused_in_a_fallback(recorder, original)),
        (ops, "_create_c_op", lambda original: _refused_in_a_graph(recorder, original)),
        (tf.GradientTape, "gradient", gradient),
        (tf.GradientTape, "jacobian", unseen),
        (keras.optimizers.Optimizer, "apply", unseen),
    ]


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
