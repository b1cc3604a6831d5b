"""Functions that a `tf.data` pipeline runs on batches, and that make every sample of one depend on all others."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from shapewidget.graph.batches import SharedStatistics

SAMPLE = 1
"""Which sample of a batch is replaced."""

_TOLERANCE = 1e-5


def shared_statistics(maps: Sequence[Any], stage: str) -> SharedStatistics | None:
    """The first function that gives other rows for all samples of a batch when one of them is replaced.

    Args:
        maps: The stages behind the batching that run a function, in their order.
        stage: What makes the batches: "batch(8)".
    """
    for each in maps:
        with contextlib.suppress(Exception):  # a function of the user's, run on data that it was not written for
            given = next(iter(each._inputs()[0].take(1)))
            function = each._map_func._func
            shape = _shape_of_mixed(function, given)
            if shape is not None:
                name = getattr(function, "__name__", "function")
                return SharedStatistics("map", name, stage, shape, _takes_samples(function, given))
    return None


def _ran(function: Any, elements: tf.data.Dataset) -> Any:
    return next(iter(elements.map(function)))


def _shape_of_mixed(function: Any, given: Any) -> tuple[int, ...] | None:
    """The shape of the first part of the inputs of which all rows change; None where rows stay or are drawn anew."""
    other = _with_other_sample(given)
    if other is None:
        return None
    first, again, changed = (
        _inputs(_ran(function, tf.data.Dataset.from_tensors(batch))) for batch in (given, given, other)
    )
    for one, same, new in zip(first, again, changed, strict=True):
        if one.shape != new.shape or one.dtype.kind != "f" or one.ndim < 2 or not np.array_equal(one, same):
            continue
        moved = np.abs(one - new).reshape(len(one), -1).max(1) > _TOLERANCE * max(float(np.abs(one).max()), _TOLERANCE)
        if len(one) > 2 and moved.all():
            return tuple(one.shape)
    return None


def _inputs(element: Any) -> list[Any]:
    """The arrays of an element that a model is given: those of its first part."""
    part = element[0] if isinstance(element, tuple) else element
    return [np.asarray(each) for each in tf.nest.flatten(part) if isinstance(each, tf.Tensor)]


def _with_other_sample(given: Any) -> Any | None:
    """The batch with one sample far larger than all others; None where the inputs are no measured values."""
    part = given[0] if isinstance(given, tuple) else given
    if not all(each.dtype.is_floating for each in tf.nest.flatten(part)):
        return None

    def other(tensor: Any) -> Any:
        values = np.array(tensor)
        values[SAMPLE] = 5 * values[SAMPLE] + 3 * np.abs(values).max() + 1
        return tf.constant(values)

    changed = tf.nest.map_structure(other, part)
    return (changed, *given[1:]) if isinstance(given, tuple) else changed


def _takes_samples(function: Any, given: Any) -> bool:
    """Whether the function runs on each sample alone, and the batch of what it gives has the form of what it gave."""
    size = int(tf.nest.flatten(given)[0].shape[0])
    with contextlib.suppress(Exception):
        now = _ran(function, tf.data.Dataset.from_tensors(given))
        then = next(iter(tf.data.Dataset.from_tensor_slices(given).map(function).batch(size)))
        forms = [[(each.shape, each.dtype) for each in tf.nest.flatten(batch)] for batch in (now, then)]
        return forms[0] == forms[1]
    return False
