"""Which argument of a layer's call each of its tensors is, and what that says of the call."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from shapewidget.frameworks.keras.layers import is_keras_own
from shapewidget.frameworks.keras.tensors import is_symbolic, leaves, shape

_READERS = (
    keras.layers.RNN,
    keras.layers.Bidirectional,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.Attention,
    keras.layers.MultiHeadAttention,
    keras.layers.GroupQueryAttention,
)
"""Layers of Keras that compute something else where a mask says that a step is padding."""
_MASK = "mask"
_ATTENDED = "attention_mask"


def argument_names(layer: keras.layers.Layer, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    """The name of the argument that each tensor of a call is, in the order of `leaves`."""
    names = [*_parameters(layer)]
    names += [f"input {place + 1}" for place in range(len(names), len(args))]
    of_args = [name for name, value in zip(names, args, strict=False) for _ in leaves(value)]
    return (*of_args, *(name for name in sorted(kwargs) for _ in leaves(kwargs[name])))


def settings_of_call(layer: keras.layers.Layer, given: Sequence[Any], args: Any, kwargs: Any) -> dict[str, object]:
    """What the arguments say: whether the layer looks for masks, which tensor is which, whether it attends to later."""
    if is_keras_own(layer) and not isinstance(layer, _READERS) and len(given) == 1:
        return {}  # most layers of most models: spared the reading of names
    names, found = argument_names(layer, args, kwargs), dict[str, object]()
    if _looks_for_mask(layer, names):
        found["looks_for_mask"] = True
    if "query" in names or "initial_state" in names:
        found["arguments"] = names
    if _attends_to_later(names, given):
        found["attends_to"] = "later steps"
    return found


def _looks_for_mask(layer: keras.layers.Layer, names: tuple[str, ...]) -> bool:
    """Whether a layer uses the mask of a tensor it is given, and no mask was handed to it as an argument."""
    if any(name.endswith(_MASK) for name in names):
        return False
    if is_keras_own(layer):
        return isinstance(layer, _READERS)
    is_asked_for = any(name.endswith(_MASK) for name in _parameters(layer))
    return is_asked_for and not isinstance(layer, keras.Model)


def _attends_to_later(names: tuple[str, ...], given: Sequence[Any]) -> bool:
    """Whether an attention is given a square mask that is on, of each step, for it and all steps behind it."""
    place = names.index(_ATTENDED) if _ATTENDED in names else len(given)
    if place >= len(given) or is_symbolic(given[place]):
        return False
    sizes = shape(given[place])
    if len(sizes) < 2 or sizes[-1] != sizes[-2] or sizes[-1] < 3:
        return False
    values = keras.ops.convert_to_numpy(given[place]).astype(bool)
    return bool((values == np.triu(np.ones(sizes[-2:], bool))).all())


def _parameters(layer: keras.layers.Layer) -> tuple[str, ...]:
    """Names of the parameters of a layer's `call`."""
    method = getattr(layer.call, "__func__", None)
    return _of_function(method)[1:] if method is not None else _of_function.__wrapped__(layer.call)


@functools.lru_cache(maxsize=1024)
def _of_function(function: Callable[..., Any]) -> tuple[str, ...]:
    """Read once, as Python takes long for it, and a model has many layers of few classes."""
    return tuple(name for name in inspect.signature(function).parameters if name not in ("args", "kwargs"))
