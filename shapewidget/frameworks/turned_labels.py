"""One-hot labels whose samples lie along the second axis: what `one_hot(labels, axis=0)` gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapewidget.frameworks.nesting import is_array, numeric, size_of
from shapewidget.graph.batches import TurnedLabels

_FEWEST = 3
"""Samples of a batch, of as many classes, whose columns may all hold a single 1 by chance."""


def turned_labels(batches: Sequence[tuple[Any, Any]]) -> TurnedLabels | None:
    """The labels, where every column of every batch is one-hot, and the rows are not.

    Args:
        batches: Inputs and targets of several batches.
    """
    found = [_columns(inputs, targets) for inputs, targets in batches]
    if None in found or not any(each is not None and each.samples >= _FEWEST for each in found):
        return None
    are_rows_too = all(is_one_hot(numeric(targets)) for _, targets in batches)
    return found[0] if not are_rows_too else None


def _columns(inputs: Any, targets: Any) -> TurnedLabels | None:
    samples = size_of(inputs)
    if samples is None or not is_array(targets) or len(targets.shape) != 2 or samples != targets.shape[1]:
        return None
    is_turned = is_one_hot(numeric(targets).T)
    return TurnedLabels(int(targets.shape[0]), samples) if is_turned else None


def is_one_hot(values: Any) -> bool:
    """Whether every row holds zeros and a single 1, and there are several columns."""
    is_binary = bool(((values == 0) | (values == 1)).all())
    return is_binary and values.shape[1] > 1 and bool((values.sum(1) == 1).all())
