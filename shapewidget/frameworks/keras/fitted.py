"""What a forward pass and a training step cost where Keras alone knows how to run them: as `predict` and `fit` do.

On PyTorch and JAX only seconds are measured. Keras tells no bytes there, so that no memory is given.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from shapewidget.errors import ShapeWidgetError
from shapewidget.frameworks.adapter import Batch, Effort
from shapewidget.frameworks.keras.apart import apart, first_line
from shapewidget.frameworks.keras.losses import as_compiled
from shapewidget.frameworks.keras.optimizers import NotMeasurableError, made_optimizer
from shapewidget.frameworks.keras.remaking import copy_of
from shapewidget.frameworks.slices import guarded
from shapewidget.frameworks.timing import at_once, clocked, repeated
from shapewidget.graph.costs import Measurement, Timing


def measure(
    model: keras.Model,
    batch: Batch,
    *,
    device: str,
    loss: Callable[..., Any] | None,
    optimizer: Any,
    sizes: Mapping[str, int],
    effort: Effort,
    training: bool = True,
    step: Callable[..., Any] | None = None,
) -> Generator[None, None, Measurement]:
    """Time of a forward pass and of a training step; see `shapewidget.frameworks.keras.measure.measure`."""
    told = [f"Memory is not measured: Keras tells no bytes on {keras.config.backend()}."]
    found: dict[str, Timing] = {}
    slices = _timings(model, batch, loss, optimizer, step, effort, training, found)
    yield from guarded(slices, apart, lambda error: told.append(_refusal(error)))
    return Measurement(dict(sizes), device, found.get("forward"), found.get("step"), None, " ".join(told))


def _refusal(error: Exception) -> str:
    if isinstance(error, ShapeWidgetError):
        return str(error)
    return f"The model raised {first_line(error)}. Probe it to see where it breaks."


def _timings(
    model: keras.Model,
    batch: Batch,
    loss: Any,
    optimizer: Any,
    step: Any,
    effort: Effort,
    training: bool,
    found: dict[str, Timing],
) -> Generator[None, None, None]:
    if len(batch.args) != 1 or batch.kwargs:
        raise NotMeasurableError("No time was measured: `fit` hands a model one argument, and this one takes several.")
    copy, inputs = copy_of(model), batch.args[0]
    if effort.seconds:
        found["forward"] = yield from _timed(lambda: copy.predict_on_batch(inputs), effort)
    if training and step is not None:
        raise NotMeasurableError("No training step was made: one of your own (`step=`) is made on TensorFlow alone.")
    if training:
        targets = batch.targets
        if loss is None or targets is None:
            loss, targets = _mean, keras.tree.map_structure(np.zeros_like, copy.predict_on_batch(inputs))
        if not copy.trainable_weights:
            raise NotMeasurableError("No training step was made: the model has no trainable weights.")
        wanted = optimizer if optimizer is not None else getattr(model, "optimizer", None)
        copy.compile(
            made_optimizer(wanted, copy.trainable_weights),
            keras.tree.map_structure(lambda _: as_compiled(loss), targets),
        )
        yield
        if effort.seconds:
            found["step"] = yield from _timed(lambda: copy.train_on_batch(inputs, targets), effort)


def _timed(call: Callable[[], Any], effort: Effort) -> Generator[None, None, Timing]:
    """Seconds of a call, which gives numbers of Python and so has computed all; it is compiled first."""
    call()
    yield
    take = functools.partial(clocked, call, wait=at_once)
    return (yield from repeated(take, effort.seconds, has_cpu_clock=False))


def _mean(targets: Any, outputs: Any) -> Any:
    """A loss of no meaning that reaches every output."""
    return ops.mean(outputs)
