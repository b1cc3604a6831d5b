"""What the kernels of TensorFlow are told besides their data: the axes that they run along, under one set of names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

_AXIS_AT = {
    **dict.fromkeys(("sum", "mean", "max", "min", "prod", "all", "any", "arg_max", "arg_min", "cumsum", "cumprod"), 1),
    **dict.fromkeys(("expand_dims", "reverse_v2", "euclidean_norm"), 1),
    **dict.fromkeys(("gather", "roll"), 2),
    "split": 0,
    "concat": -1,
}
"""Which of a kernel's inputs names its axis."""

_LAST_AXIS = frozenset(("softmax", "log_softmax"))
_REDUCING = frozenset(("sum", "mean", "max", "min", "prod", "all", "any", "euclidean_norm"))
_STACKING = frozenset(("stack", "unpack"))
_TURNED = (("adj_x", "transpose_a"), ("adj_y", "transpose_b"))
"""What the products of matrices call the turning round of each."""

_MASKS = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
"""Which bits tell how an item of brackets was written."""


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
    if name in _STACKING:
        found["axis"] = asked.get("axis", 0)
    if name == "matmul":
        found["turned"] = tuple(any(asked.get(each) for each in names) for names in _TURNED)
    if name == "einsum":
        found["0"] = _text(asked.get("equation"))
    if name == "index" and len(inputs) == 4:
        found |= _brackets(inputs[1:], asked)
    return found


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _brackets(limits: Sequence[Any], masks: Mapping[str, Any]) -> dict[str, object]:
    """What stood in brackets behind a tensor, item by item: "[:, -1]"."""
    try:
        begin, end, step = (np.asarray(each).tolist() for each in limits)
    except (NotImplementedError, TypeError, ValueError):
        return {}
    items = []
    for place, (low, high, by) in enumerate(zip(begin, end, step, strict=True)):
        asked = {name: bool(int(masks.get(f"{name}_mask", 0)) >> place & 1) for name in _MASKS}
        if asked["ellipsis"]:
            items.append("...")
        elif asked["new_axis"]:
            items.append("None")
        elif asked["shrink_axis"]:
            items.append(str(low))
        else:
            bounds = ("" if asked["begin"] else str(low), "" if asked["end"] else str(high))
            items.append(":".join((*bounds, str(by)) if by != 1 else bounds))
    return {"1": f"[{', '.join(items)}]"}


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
