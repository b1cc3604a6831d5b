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

    def fitted(array: Array, names: Names) -> Array:
        result = _fitted(array, names, new)
        return _as_lengths(array, result, old, new) if _is_lengths(array, names, old) else result

    def change(value: Any, names: Iterator[Names]) -> Any:
        return keras.tree.map_structure(
            lambda item: fitted(item, next(names)) if isinstance(item, np.ndarray) else item, value
        )

    args, kwargs = change((batch.args, dict(batch.kwargs)), iter(batch.axes))
    targets = change(batch.targets, iter(batch.target_axes)) if batch.targets is not None else None
    return replace(batch, args=args, kwargs=kwargs, targets=targets)


def _fitted(array: Array, names: Names, sizes: Mapping[str, int]) -> Array:
    for axis, name in enumerate(names):
        if name and array.shape[axis] != sizes[name] and array.shape[axis]:
            array = np.take(array, np.arange(sizes[name]) % array.shape[axis], axis)
    return array


def _is_lengths(array: Array, names: Names, sizes: Mapping[str, int]) -> bool:
    """Whether an array says how long each sequence is: whole numbers from 1 to T, which reach T."""
    if names != ("B",) or "T" not in sizes or array.dtype.kind not in "iu" or not array.size:
        return False
    return int(array.min()) >= 1 and int(array.max()) == sizes["T"]


def _as_lengths(array: Array, fitted: Array, old: Mapping[str, int], new: Mapping[str, int]) -> Array:
    """Lengths for the new size of the sequences; those that filled them before do so again."""
    return np.where(fitted == old["T"], new["T"], np.minimum(fitted, new["T"])).astype(array.dtype)
