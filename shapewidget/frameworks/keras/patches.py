"""Where Keras and its backend are wrapped while recording; every wrap is undone in `finally`.

Layers are seen at `Layer.__call__`, operations on symbolic tensors at `Operation.symbolic_call`, operations between
layers as the backend tells of them. Our own frames are hidden from the tracebacks of IPython and pytest
(`__tracebackhide__`), and left out of those that Keras and TensorFlow shorten.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import keras
from keras.src.losses import loss as keras_loss
from keras.src.metrics.reduction_metrics import MeanMetricWrapper
from keras.src.utils import traceback_utils as keras_tracebacks

from shapewidget.frameworks.keras import losses
from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.frameworks.keras.backends.protocol import Listener, Silence
from shapewidget.frameworks.keras.backends.replacing import Wrap, instead, replaced
from shapewidget.frameworks.keras.loss_calls import LossCalls, Original

_HERE = str(Path(__file__).parent)
_USES = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch", "save", "save_weights")


class Recorder(Listener, Protocol):
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

    def set_weights(self, original: Original, layer: Any, weights: Any) -> Any:
        """Stand in for `Layer.set_weights`."""


@contextlib.contextmanager
def installed(recorder: Recorder) -> Iterator[Silence]:
    """Tell the recorder of everything that the block runs, but for the operations of blocks that are to be silent."""
    with contextlib.ExitStack() as stack:
        silence = stack.enter_context(BACKEND.operations(recorder))
        for tracebacks in (keras_tracebacks, *BACKEND.tracebacks):
            stack.enter_context(replaced(tracebacks, "_EXCLUDED_PATHS", lambda paths: (*paths, _HERE)))
        for owner, name, wrap in (*_of_layers(recorder), *_of_training(recorder)):
            stack.enter_context(replaced(owner, name, wrap))
        yield silence


def _of_layers(recorder: Recorder) -> list[tuple[Any, str, Wrap]]:
    return [
        (keras.Operation, "__new__", _making(recorder)),
        (keras.layers.Layer, "__call__", _traced(recorder, recorder.call_layer)),
        (keras.layers.Layer, "_maybe_build", instead(recorder.build_layer)),
        (keras.layers.Layer, "set_weights", instead(recorder.set_weights)),
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
        (keras_loss, "reduce_weighted_values", instead(reduced)),
        (keras.optimizers.Optimizer, "apply", instead(recorder.unseen)),
    ]


def _traced(recorder: Recorder, stand_in: Callable[..., Any]) -> Wrap:
    """A method whose calls by the user's own code are noted, with another in its place."""

    def wrap(original: Original) -> Original:
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            return recorder.traced(stand_in, original, self, args, kwargs)

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
