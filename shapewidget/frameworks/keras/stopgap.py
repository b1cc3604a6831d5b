"""Carry on past a layer that refuses its tensors, in building or in a run: all that is wrong is seen in one run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from shapewidget.frameworks.keras.tensors import UNSEEN, is_tensor, leaves, shape
from shapewidget.graph.records import Clash, ClashKind

Shape = tuple[int, ...]
WENT_ON = "{} went on with a tensor that fits"
"""How a refused call was repaired, after what went on: building, or the run."""


class Stopgap(keras.Operation):  # type: ignore[misc]  # Keras has no types
    """Gives the shape that is wanted; the model that holds it cannot be run.

    Args:
        wanted: The shape.
        error: What the layer raised, and what running the model raises.
    """

    def __init__(self, wanted: Shape, error: BaseException) -> None:
        """Keep both."""
        super().__init__()
        self._wanted, self._error = wanted, error

    def compute_output_spec(self, tensor: keras.KerasTensor) -> keras.KerasTensor:
        """The wanted shape."""
        return keras.KerasTensor(tuple(None if size == UNSEEN else size for size in self._wanted), tensor.dtype)

    def call(self, tensor: Any) -> Any:
        """Refused, with the error that building should have ended with."""
        raise self._error


def fitted(clash: Clash, args: Any, kwargs: Any, error: BaseException) -> tuple[Any, Any, Any, Any] | None:
    """The arguments of a refused call with one tensor as it is wanted, that tensor, and the one that it stands for.

    Args:
        clash: What was refused.
        args: Positional arguments.
        kwargs: The others.
        error: What was raised.

    Returns:
        None where it cannot be told what is wanted.
    """
    clash, given = _of_single(clash), leaves((args, kwargs))
    wanted = _wanted(clash, [shape(tensor) for tensor in given])
    if wanted is None or clash.input >= len(given):
        return None
    old = given[clash.input]
    new = Stopgap(wanted, error)(old) if isinstance(old, keras.KerasTensor) else _filled(old, wanted)
    places = iter(range(len(given)))

    def put(value: Any) -> Any:
        return (new if next(places) == clash.input else value) if is_tensor(value) else value

    args, kwargs = keras.tree.map_structure(put, (args, kwargs))
    return args, kwargs, new, old


def _of_single(clash: Clash) -> Clash:
    """The clash, told of the tensor with a single position on an axis where that meets one with more of them."""
    if clash.kind is not ClashKind.SIZE or clash.expected != 1 or clash.against is None or clash.against == clash.input:
        return clash
    return replace(clash, input=clash.against, against=clash.input, expected=clash.got, got=1)


def _filled(tensor: Any, wanted: Shape) -> Any:
    """A tensor of another shape with the same values, repeated or cut: whole numbers among them stay legal."""
    sizes = tuple(1 if size == UNSEEN else size for size in wanted)
    values = keras.ops.convert_to_numpy(tensor)
    return keras.ops.convert_to_tensor(np.resize(values, sizes), dtype=keras.backend.standardize_dtype(tensor.dtype))


def _wanted(clash: Clash, shapes: Sequence[Shape]) -> Shape | None:
    if clash.input >= len(shapes):
        return None
    given = shapes[clash.input]
    if clash.kind is ClashKind.RANK and isinstance(clash.expected, int):
        return shapes[clash.against] if clash.against is not None else _of_rank(given, clash.expected)
    if clash.kind is not ClashKind.SIZE:
        return None
    if isinstance(clash.expected, tuple):
        return (*given[:1], math.prod(size for size in clash.expected if size > 0))
    if clash.axis is None or not 0 <= clash.axis < len(given):
        return None
    size = clash.expected
    if isinstance(size, str):
        size = int(size.removeprefix("at least ")) if size.startswith("at least ") else 1
    return (*given[: clash.axis], size, *given[clash.axis + 1 :]) if isinstance(size, int) else None


def _of_rank(given: Shape, rank: int) -> Shape:
    missing = rank - len(given)
    if missing > 0:
        return (*given[:1], *(UNSEEN,) * missing, *given[1:])
    return (*given[:1], *given[len(given) - rank + 1 :])
