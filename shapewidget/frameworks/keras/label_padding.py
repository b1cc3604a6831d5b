"""Whether a loss of Keras counts labels that only fill a batch up: it is asked again with other outputs there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras.src.backend import get_keras_mask, set_keras_mask

from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.keras.guard import config_of, untouched
from shapewidget.frameworks.keras.tensors import as_tensor
from shapewidget.graph.padding import CountedPadding, PaddedLabels

_LEFT_OUT = -1
"""A value that is no class, for labels that are to be left out."""

Loss = Callable[[Any, Any], Any]


def counted_padding(model: keras.Model, batch: Batch, loss: Loss, labels: PaddedLabels) -> CountedPadding | None:
    """The padding that a loss counts; None where its value does not depend on what the model says of it.

    Args:
        model: A built model; its masks reach the loss as they do in `fit`.
        batch: Inputs and labels.
        loss: Called as ``loss(targets, outputs)``.
        labels: Which of the labels fill up.

    Raises:
        Exception: Whatever the model or the loss raises.
    """
    args, kwargs, targets = keras.tree.map_structure(as_tensor, (batch.args, dict(batch.kwargs), batch.targets))
    with untouched(model):
        outputs = model(*args, **kwargs)
        values = np.asarray(keras.ops.convert_to_numpy(outputs))
        padding = np.arange(labels.steps) >= np.array(labels.lengths)[:, None]
        if values.ndim != 3 or values.shape[:2] != padding.shape or len(padding) == labels.steps:
            return None
        spoiled = _with_mask_of(outputs, np.where(padding[..., None], np.roll(values, 1, axis=-1), values))

        def depends(loss: Loss, targets: Any) -> bool:
            one, other = (np.asarray(loss(targets, each)).sum() for each in (outputs, spoiled))
            return not np.allclose(one, other, rtol=1e-4, atol=1e-6)

        if not depends(loss, targets):
            return None
        name = getattr(loss, "__name__", type(loss).__name__)
        if not isinstance(loss, keras.losses.SparseCategoricalCrossentropy):
            leave = "leave the padding out of the loss: a mask, or a sample weight of 0 for its steps"
            return CountedPadding(labels, name, leave, is_mended=False)
        value = _LEFT_OUT if labels.is_class else labels.value
        filled = np.where(padding, value, np.asarray(keras.ops.convert_to_numpy(targets)))
        is_mended = not depends(_ignoring(loss, value), as_tensor(filled))
    fix = f"keras.losses.{name}(ignore_class={value})"
    if labels.is_class:
        fix = f"fill the labels up with {value}, which is no class: padding_values=..., and {fix}"
    return CountedPadding(labels, name, fix, is_mended)


def _with_mask_of(outputs: Any, values: Any) -> Any:
    made = as_tensor(values)
    mask = get_keras_mask(outputs)
    if mask is not None:
        set_keras_mask(made, mask)
    return made


def _ignoring(loss: keras.losses.Loss, value: int) -> Loss:
    return type(loss).from_config({**config_of(loss), "ignore_class": value})  # type: ignore[no-any-return]
