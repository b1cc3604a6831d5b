"""What the kernels of TensorFlow are told besides their data: the axes that they run along, under one set of names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

_AXIS_AT = {
    **dict.fromkeys(("sum", "mean", "max", "min", "prod", "all", "any", "arg_max", "arg_min", "cumsum", "cumprod"), 1),
    "gather": 2,
    "concat": -1,
}
"""Which of a kernel's inputs names its axis."""

_LAST_AXIS = frozenset(("softmax", "log_softmax"))
_REDUCING = frozenset(("sum", "mean", "max", "min", "prod", "all", "any"))


def settings(name: str, inputs: Sequence[Any], attributes: Sequence[Any] | None) -> dict[str, object]:
    """The axis, the order of axes and whatever else decides on the shape of what a kernel gives.

    Args:
        name: Its plain name.
        inputs: Its tensors, those that hold an axis or an order of axes among them.
        attributes: Names and values by turns.
    """
    asked = dict(zip((attributes or ())[::2], (attributes or ())[1::2], strict=True))
    found: dict[str, object] = {}
    if name in _LAST_AXIS:
        found["axis"] = len(inputs[0].shape) - 1
    if name in _AXIS_AT and len(inputs) > max(_AXIS_AT[name], 0):
        found |= _named("axis", inputs[_AXIS_AT[name]])
    if name in _REDUCING:
        found["keepdims"] = bool(asked.get("keep_dims"))
    if name == "transpose":
        found |= _named("perm", inputs[1])
    if name == "squeeze" and asked.get("squeeze_dims"):
        found["axis"] = _plain(asked["squeeze_dims"])
    if name == "gather":
        found["batch_dims"] = asked.get("batch_dims", 0)
    return found


def settings_of(operation: keras.Operation) -> dict[str, object]:
    """The same of an operation of Keras, which keeps its arguments as attributes."""
    given = {name: vars(operation).get(name) for name in ("axis", "keepdims")}
    return {name: _plain(value) for name, value in given.items() if isinstance(value, int | list | tuple)}


def _named(name: str, tensor: Any) -> Mapping[str, object]:
    try:
        value = np.asarray(tensor)
    except (NotImplementedError, TypeError, ValueError):  # a tensor of a graph has no values yet
        return {}
    return {name: _plain(value.tolist())}


def _plain(value: Any) -> object:
    return tuple(value) if isinstance(value, list) else value
