"""Values that a loss of Keras cannot mean: scores where it is told that it gets probabilities."""

from __future__ import annotations

import contextlib
from typing import Any

import keras

from shapewidget.frameworks.keras.tensors import is_symbolic, leaves

_MOST_VALUES = 200_000
_MARGIN = 1e-3
"""What rounding, or the smoothing of labels, may make of a value."""


def odd_values(loss: Any, outputs: Any, targets: Any) -> dict[str, object]:
    """The setting of a loss that ran on values that it cannot mean; none of another."""
    name = type(loss).__name__
    is_of_probabilities = name.endswith("Crossentropy") or name == "KLDivergence"
    if not is_of_probabilities or getattr(loss, "_fn_kwargs", getattr(loss, "fn_kwargs", {})).get("from_logits"):
        return {}
    sides = {"outputs": outputs} if name.startswith("Sparse") else {"outputs": outputs, "targets": targets}
    for which, values in sides.items():
        given = _beyond_one(values)
        if given:
            return {"values of": which, "values taken": "0 to 1", "values given": given}
    return {}


def _beyond_one(values: Any) -> str:
    """The range of values that are no probabilities; empty of those that are, and where they are not known."""
    arrays = leaves(values)
    if len(arrays) != 1 or is_symbolic(arrays[0]):
        return ""
    with contextlib.suppress(Exception):  # within a compiled step, or a transform of JAX, no value is known
        array = keras.ops.convert_to_numpy(arrays[0])
        if 0 < array.size <= _MOST_VALUES and array.dtype.kind == "f":
            low, high = float(array.min()), float(array.max())
            return f"{low:.3g} to {high:.3g}" if low < -_MARGIN or high > 1 + _MARGIN else ""
    return ""
