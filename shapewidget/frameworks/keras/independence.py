"""Run a model twice with one sample replaced, and see what changes in every tensor.

Of every tensor only two projections a row are kept, in double precision: nothing is held that the model itself lets go.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.keras.axes import Array
from shapewidget.frameworks.keras.nodes import Node, Nodes
from shapewidget.frameworks.keras.record import called
from shapewidget.frameworks.keras.resize import arrays
from shapewidget.frameworks.keras.tensors import is_symbolic
from shapewidget.graph.independence import Independence, Tensor, Touch, batch_axes
from shapewidget.graph.records import LayerGraph

SAMPLE = 1
"""Which sample is replaced: one with neighbours on both sides, where there are three."""

_TOLERANCE = 1e-5
"""Share of a row's norm that rounding may move."""

_LARGEST = 1e6
"""Masked scores and infinities are cut to this, so that they do not drown the rest of their row."""

Sketch = tuple[Array, Array]
Sketches = dict[Tensor, tuple[int | None, Sketch]]


def independence(model: keras.Model, batch: Batch, graph: LayerGraph, sizes: Mapping[str, int]) -> Independence | None:
    """What changes when one sample of the batch is replaced.

    The caller guards the model (`guard.untouched`), and makes functions run eagerly.

    Args:
        model: A built model.
        batch: At least two samples.
        graph: The model's graph, its axes solved.
        sizes: The named sizes of the batch.

    Returns:
        None where no input can be varied, or the model does not run the same way twice.

    Raises:
        Exception: Whatever the model raises.
    """
    other = _replaced(batch)
    if other is None:
        return None
    axes = batch_axes(graph)
    first, second = _sketches(model, batch, axes), _sketches(model, other, axes)
    touched = _touched(first, second)
    found = Independence(SAMPLE, sizes, touched)
    if any(touch.axis is not None and not found.is_own(touch) for touch in touched.values()):
        again = _touched(first, _sketches(model, batch, axes))
        if any(touch.rows for touch in again.values()):
            return None
    return found


def _sketches(model: keras.Model, batch: Batch, axes: Mapping[Tensor, int]) -> Sketches:
    nodes = _SketchedNodes(axes)
    called(model, batch, nodes)
    return nodes.sketches


class _SketchedNodes(Nodes):
    """Nodes that keep a sketch of every tensor as it is when it is made."""

    def __init__(self, axes: Mapping[Tensor, int]) -> None:
        super().__init__()
        self.sketches: Sketches = {}
        self._axes = axes

    def gives(self, node: Node, tensors: Sequence[Any]) -> None:
        super().gives(node, tensors)
        for output, tensor in enumerate(tensors):
            if is_symbolic(tensor):  # of a model that is just being built
                continue
            values = keras.ops.convert_to_numpy(tensor)
            axis = self._axes.get((node.id, output))
            if values.dtype.kind in "biuf":
                axis = axis if axis is not None and axis < values.ndim else None
                self.sketches[node.id, output] = axis, _sketch(values, axis)


def _sketch(values: Array, axis: int | None) -> Sketch:
    """Two projections of every row, and its norm."""
    rows = values.reshape(1, -1) if axis is None else np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
    exact = np.clip(np.nan_to_num(rows.astype("float64"), nan=_LARGEST / 7), -_LARGEST, _LARGEST)
    return exact @ _directions(exact.shape[1]), np.linalg.norm(exact, axis=1, keepdims=True)


@functools.lru_cache(maxsize=32)
def _directions(width: int) -> Array:
    steps = np.arange(width, dtype="float64")[:, None]
    return np.concatenate([np.cos(steps * 1.7 + 0.3), np.sin(steps * 2.9 + 1.1)], 1)


def _touched(first: Sketches, second: Sketches) -> dict[Tensor, Touch]:
    found = {}
    for place, (axis, (values, norm)) in first.items():
        other = second.get(place)
        if other is None or other[1][0].shape != values.shape:
            continue
        changed = (np.abs(values - other[1][0]) > _TOLERANCE * np.maximum(norm, other[1][1])).any(1)
        found[place] = Touch(axis, len(changed), tuple(map(int, changed.nonzero()[0])))
    return found


# -- another sample -------------------------------------------------------------------------------------------------


def _replaced(batch: Batch) -> Batch | None:
    """The batch with other values in one sample, of the same kind: ids stay ids, zeros, masks and lengths stay."""
    named = list(zip(arrays((batch.args, dict(batch.kwargs))), batch.axes, strict=True))
    for only_free in (True, False):
        changed: dict[int, Array] = {}
        for array, names in named:
            if names.count("B") == 1 and (_is_free(array) or not only_free):
                other = _with_other_sample(array, names.index("B"))
                if other is not None:
                    changed[id(array)] = other
        if changed:
            args, kwargs = keras.tree.map_structure(
                lambda value, changed=changed: changed.get(id(value), value), (batch.args, dict(batch.kwargs))
            )
            return replace(batch, args=args, kwargs=kwargs)
    return None


def _is_free(array: Array) -> bool:
    """Whether its values are data, and not a mask or the lengths of sequences."""
    is_vector_of_counts = array.ndim == 1 and array.dtype.kind != "f"
    return not is_vector_of_counts and not bool(((array == 0) | (array == 1)).all())


def _with_other_sample(array: Array, axis: int) -> Array | None:
    """Values drawn from the whole array, so that they are legal; zeros may be padding and stay."""
    pool = array[array != 0].ravel()
    if array.dtype.kind not in "iuf" or not pool.size:
        return None
    if (pool == pool[0]).all():
        if array.dtype.kind != "f":
            return None
        pool = (pool[0] * np.linspace(0.5, 1.5, 7)).astype(array.dtype)
    result = array.copy()
    sample = np.moveaxis(result, axis, 0)[SAMPLE]
    picks = (np.arange(sample.size) * 5 + 3).reshape(sample.shape)
    drawn = pool[picks % pool.size]
    drawn = np.where(drawn == sample, pool[(picks + 1) % pool.size], drawn)
    other = np.where(sample == 0, sample, drawn)
    if (other == sample).all():
        return None
    sample[...] = other
    return result
