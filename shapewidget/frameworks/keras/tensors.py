"""Tensors in whatever Keras passes around: eager ones, those of a graph, the symbolic ones of a model being built."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend import get_keras_mask

from shapewidget.graph.dims import UNKNOWN, constant, symbol
from shapewidget.graph.records import TensorSpec

_KINDS = (tf.Tensor, keras.KerasTensor, np.ndarray)
UNSEEN = -1
"""The size of an axis that is not known before the model runs."""


def leaves(value: Any) -> tuple[Any, ...]:
    """Every tensor in a nested value, in order."""
    if isinstance(value, _KINDS):
        return (value,)
    return tuple(item for item in keras.tree.flatten(value) if isinstance(item, _KINDS))


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor or array, symbolic or not."""
    return isinstance(value, _KINDS)


def as_tensor(value: Any) -> Any:
    """An array as a tensor; anything else as it is."""
    return keras.ops.convert_to_tensor(value) if hasattr(value, "shape") and hasattr(value, "dtype") else value


def is_symbolic(value: Any) -> bool:
    """Whether a nested value holds a tensor of a model that is being built."""
    return any(isinstance(item, keras.KerasTensor) for item in keras.tree.flatten(value))


def is_argument(tensor: Any) -> bool:
    """Whether a tensor may be an axis, a shape or a place, which TensorFlow hands over as tensors."""
    return len(tensor.shape) < 2 and tensor.dtype in (tf.int32, tf.int64)


def shape(tensor: Any) -> tuple[int, ...]:
    """The sizes of the axes, `UNSEEN` for those that only a run will tell."""
    try:
        return tuple(UNSEEN if size is None else int(size) for size in tensor.shape)
    except ValueError:  # a tensor of a graph whose rank is not known either
        return ()


def spec(tensor: Any) -> TensorSpec:
    """Shape and dtype; the batch axis of a symbolic tensor is B."""
    sizes = shape(tensor)
    dtype = tensor.dtype if isinstance(tensor.dtype, str) else tensor.dtype.name
    masked = get_keras_mask(tensor) is not None
    if UNSEEN not in sizes:
        return TensorSpec(sizes, dtype, masked=masked)
    dims = tuple(
        constant(size) if size != UNSEEN else symbol("B") if axis == 0 else UNKNOWN for axis, size in enumerate(sizes)
    )
    return TensorSpec(sizes, dtype, dims=dims, masked=masked)
