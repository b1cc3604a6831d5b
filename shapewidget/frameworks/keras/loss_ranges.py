"""Values that a loss of Keras cannot mean: scores in the place of probabilities, classes between two numbers."""

from __future__ import annotations

import contextlib
from typing import Any

import keras
import numpy as np

from shapewidget.frameworks.keras.losses import CLASS_IDS, LABELS, odd_class, takes
from shapewidget.frameworks.keras.tensors import is_symbolic, leaves

_MOST_VALUES = 200_000
_MARGIN = 1e-3
"""What rounding, or the smoothing of labels, may make of a value."""


UNIT, SIGNS, WHOLE, NOT_NEGATIVE = "0 to 1", "-1 and 1", "whole numbers", "at least 0"
Sides = tuple[str | None, str | None]
"""What outputs and targets have to be; None for what may be anything."""


def odd_values(loss: Any, outputs: Any, targets: Any) -> dict[str, object]:
    """The setting of a loss that ran on values that it cannot mean; none of another."""
    for which, values, taken in zip(("outputs", "targets"), (outputs, targets), _taken(loss), strict=True):
        given = _beyond(values, taken) if taken is not None else ""
        if given:
            return {"values of": which, "values taken": taken, "values given": given}
    return _odd_class(loss, outputs, targets) or _too_many_labels(loss, outputs, targets)


def _too_many_labels(loss: Any, outputs: Any, targets: Any) -> dict[str, object]:
    """The setting of a loss of label sequences that are longer than the steps they are to be aligned with."""
    arrays = leaves((targets, outputs))
    if takes(loss) != LABELS or len(arrays) != 2 or any(map(is_symbolic, arrays)):
        return {}
    with contextlib.suppress(Exception):  # within a compiled step, or a transform of JAX, no value is known
        labels, steps = int((np.asarray(arrays[0]) != 0).sum(-1).max()), int(arrays[1].shape[1])
        if labels > steps:
            taken = f"at most {steps} labels long, one a step"
            return {"values of": "targets", "values taken": taken, "values given": f"{labels} labels"}
    return {}


def _odd_class(loss: Any, outputs: Any, targets: Any) -> dict[str, object]:
    """The setting of a loss that gives some number where there are classes that there are no outputs for."""
    arrays = leaves((targets, outputs))
    if type(loss).__name__ not in _HIDES_ODD_CLASSES or len(arrays) != 2 or any(map(is_symbolic, arrays)):
        return {}
    with contextlib.suppress(Exception):  # within a compiled step, or a transform of JAX, no value is known
        classes = int(arrays[1].shape[-1])
        odd = odd_class(loss, arrays[0], classes)
        if odd is not None:
            return {
                "values of": "targets",
                "values taken": f"classes 0 to {classes - 1}",
                "values given": f"class {odd}",
            }
    return {}


def _taken(loss: Any) -> Sides:
    name = type(loss).__name__
    if name.endswith(("Crossentropy", "CrossEntropy")):
        takes_scores = getattr(loss, "_fn_kwargs", getattr(loss, "fn_kwargs", {})).get("from_logits")
        targets = WHOLE if takes(loss) == CLASS_IDS else None if takes_scores else UNIT
        return None if takes_scores else UNIT, targets
    return _SIDES.get(name, (None, None))


_HIDES_ODD_CLASSES = ("CategoricalGeneralizedCrossEntropy", "CTC")
_SIDES: dict[str, Sides] = {
    "KLDivergence": (UNIT, UNIT),
    "Dice": (UNIT, UNIT),
    "Tversky": (UNIT, UNIT),
    "CategoricalHinge": (None, UNIT),
    "Hinge": (None, SIGNS),
    "SquaredHinge": (None, SIGNS),
    "Circle": (None, WHOLE),
    "CTC": (None, WHOLE),
    "Poisson": (NOT_NEGATIVE, NOT_NEGATIVE),
    "MeanSquaredLogarithmicError": (None, NOT_NEGATIVE),
}
"""The losses besides those of classes; Keras reads signs of 0 and 1 as -1 and 1 by itself."""


def _is_taken(array: Any, taken: str) -> bool:
    low, high = float(array.min()), float(array.max())
    if taken == UNIT:
        return low >= -_MARGIN and high <= 1 + _MARGIN
    if taken == NOT_NEGATIVE:
        return low >= -_MARGIN
    if taken == SIGNS:
        return bool(np.isin(array, (-1, 0, 1)).all())
    return bool((array == np.floor(array)).all())


def _beyond(values: Any, taken: str) -> str:
    """The range of values that are not what is taken; empty of those that are, and where they are not known."""
    arrays = leaves(values)
    if len(arrays) != 1 or is_symbolic(arrays[0]):
        return ""
    with contextlib.suppress(Exception):  # within a compiled step, or a transform of JAX, no value is known
        array = keras.ops.convert_to_numpy(arrays[0])
        if 0 < array.size <= _MOST_VALUES and array.dtype.kind == "f" and not _is_taken(array, taken):
            return f"{float(array.min()):.3g} to {float(array.max()):.3g}"
    return ""
