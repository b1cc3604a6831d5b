"""A batch at other sizes: cropped, or tiled with the user's own samples, so that dtype and values stay legal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from shapewidget.errors import InputError
from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.keras.axes import Array, Names, named_sizes


def arrays(value: Any) -> Iterator[Array]:
    """Every array of a nested value, in order."""
    for item in keras.tree.flatten(value):
        if isinstance(item, np.ndarray):
            yield item


def batch_sizes(batch: Batch) -> dict[str, int]:
    """The named sizes of a batch."""
    return named_sizes(list(arrays((batch.args, dict(batch.kwargs)))), batch.axes)


def resized(batch: Batch, sizes: Mapping[str, int]) -> Batch:
    """The batch at other sizes of its named axes; those that `sizes` does not name stay.

    Raises:
        InputError: The batch has no axis of that name.
    """
    old = batch_sizes(batch)
    unknown = [name for name in sizes if name not in old]
    if unknown:
        raise InputError(f"The batch has no axis {unknown[0]!r} to resize; it has {', '.join(old) or 'no named axis'}.")
    new = {**old, **sizes}

    def change(value: Any, names: Iterator[Names]) -> Any:
        return keras.tree.map_structure(
            lambda item: _fitted(item, next(names), new) if isinstance(item, np.ndarray) else item, value
        )

    args, kwargs = change((batch.args, dict(batch.kwargs)), iter(batch.axes))
    targets = change(batch.targets, iter(batch.target_axes)) if batch.targets is not None else None
    return replace(batch, args=args, kwargs=kwargs, targets=targets)


def _fitted(array: Array, names: Names, sizes: Mapping[str, int]) -> Array:
    for axis, name in enumerate(names):
        if name and array.shape[axis] != sizes[name] and array.shape[axis]:
            array = np.take(array, np.arange(sizes[name]) % array.shape[axis], axis)
    return array
