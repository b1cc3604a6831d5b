"""Tensors in whatever Keras passes around: eager ones, those of a graph, the symbolic ones of a model being built."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
from keras.src.backend import get_keras_mask
from keras.src.backend.common.symbolic_scope import in_symbolic_scope

from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.graph.dims import UNKNOWN, constant, symbol
from shapewidget.graph.records import TensorSpec

_KINDS = (*BACKEND.tensors, keras.KerasTensor, np.ndarray)
UNSEEN = -1
"""The size of an axis that is not known before the model runs."""


def leaves(value: Any) -> tuple[Any, ...]:
    """Every tensor in a nested value, in order."""
    if isinstance(value, _KINDS):
        return (value,)
    if isinstance(value, tuple | list | dict) and not value:
        return ()
    if isinstance(value, tuple | list) and all(isinstance(item, _KINDS) for item in value):
        return tuple(value)  # most calls of layers: spared the flattening, which takes long
    return tuple(item for item in keras.tree.flatten(value) if isinstance(item, _KINDS))


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor or array, symbolic or not."""
    return isinstance(value, _KINDS)


def as_tensor(value: Any) -> Any:
    """An array as a tensor; anything else as it is."""
    return keras.ops.convert_to_tensor(value) if hasattr(value, "shape") and hasattr(value, "dtype") else value


def is_symbolic(value: Any) -> bool:
    """Whether a nested value holds a tensor of a model that is being built."""
    return any(isinstance(item, keras.KerasTensor) for item in leaves(value))


def is_argument(tensor: Any) -> bool:
    """Whether a tensor may be an axis, a shape or a place, which TensorFlow hands over as tensors."""
    return len(tensor.shape) < 2 and _dtype(tensor.dtype) in ("int32", "int64")


def shape(tensor: Any) -> tuple[int, ...]:
    """The sizes of the axes, `UNSEEN` for those that only a run will tell."""
    stand_ins = BACKEND.stand_ins if BACKEND.stand_ins and in_symbolic_scope() else ()
    try:
        sizes = tuple(tensor.shape)
    except ValueError:  # a tensor of a graph whose rank is not known either
        return ()
    if not stand_ins and {*map(type, sizes)} == {int}:
        return sizes
    return tuple(int(size) if isinstance(size, int) and size not in stand_ins else UNSEEN for size in sizes)


def spec(tensor: Any) -> TensorSpec:
    """Shape and dtype; the batch axis of a symbolic tensor is B."""
    return _spec(shape(tensor), tensor.dtype, is_masked(tensor))


@functools.lru_cache(maxsize=4096)
def _spec(sizes: tuple[int, ...], kind: Any, masked: bool) -> TensorSpec:
    """Made once for all tensors that are alike."""
    dtype = _dtype(kind)
    if UNSEEN not in sizes:
        return TensorSpec(sizes, dtype, masked=masked)
    dims = tuple(
        constant(size) if size != UNSEEN else symbol("B") if axis == 0 else UNKNOWN for axis, size in enumerate(sizes)
    )
    return TensorSpec(sizes, dtype, dims=dims, masked=masked)


def is_masked(tensor: Any) -> bool:
    """Whether a tensor carries a mask, looked for in the object: TensorFlow takes long to say that it has none."""
    own = getattr(tensor, "__dict__", None)
    return (get_keras_mask(tensor) if own is None else own.get("_keras_mask")) is not None


@functools.cache
def _dtype(dtype: Any) -> str:
    """The name of a data type of any backend; those of PyTorch alone have none."""
    return dtype if isinstance(dtype, str) else getattr(dtype, "name", None) or str(dtype).removeprefix("torch.")
