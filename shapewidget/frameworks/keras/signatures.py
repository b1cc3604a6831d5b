"""Generators whose elements have another shape than their `output_signature` says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from types import FunctionType
from typing import Any

import numpy as np
import tensorflow as tf

from shapewidget.graph.batches import Disagreement

_READ = 32


@dataclass(frozen=True)
class Signature:
    """A signature that a generator does not keep.

    Attributes:
        disagreement: The field that is otherwise.
        fix: The signature that it keeps, as code.
        batch: The first batch with that signature.
    """

    disagreement: Disagreement
    fix: str
    batch: Any


def kept_signature(stage: Any, place: int, size: int) -> Signature | None:
    """The signature that the generator of a stage keeps; None where it keeps its own.

    Args:
        stage: Made by `from_generator`.
        place: The element that was refused.
        size: How many elements make a batch.
    """
    make, own = _generator_of(stage._map_func._func), tf.nest.flatten(stage.element_spec)
    if make is None:
        return None
    elements = [tf.nest.flatten(element) for element in islice(make(), place + _READ)]
    odd = _difference(own, elements[place], place)
    if odd is None:
        return None
    kept = [_spec(spec, [np.asarray(element[field]) for element in elements]) for field, spec in enumerate(own)]
    signature = tf.nest.pack_sequence_as(stage.element_spec, kept)
    dataset = tf.data.Dataset.from_generator(make, output_signature=signature)
    is_ragged = any(None in spec.shape.as_list() for spec in kept)
    batch = next(iter(dataset.padded_batch(size) if is_ragged else dataset.batch(size)))
    return Signature(odd, f"output_signature={_written(signature)}", batch)


def _generator_of(function: Any) -> Any | None:
    """The user's own function, which `from_generator` keeps in a closure."""
    for cell in getattr(function, "__closure__", None) or ():
        value = cell.cell_contents
        if hasattr(value, "_generator"):
            return value._generator
        found = _generator_of(value) if isinstance(value, FunctionType) else None
        if found is not None:
            return found
    return None


def _difference(specs: Sequence[Any], element: Sequence[Any], place: int) -> Disagreement | None:
    """The first field whose shape is not the declared one."""
    if len(specs) != len(element):
        shown = (f"{len(specs)} fields", f"{len(element)} fields")
        return Disagreement("", (place, place), None, shown, len(specs), len(element))
    for field, (spec, value) in enumerate(zip(specs, element, strict=True)):
        wanted, given = tuple(spec.shape.as_list()), tuple(np.asarray(value).shape)
        if spec.shape.is_compatible_with(given):
            continue
        name = f"[{field}]" if len(specs) > 1 else ""
        shown = (str(wanted), str(given))
        if len(wanted) != len(given):
            return Disagreement(name, (place, place), None, shown, len(wanted), len(given))
        axis = next(axis for axis, size in enumerate(wanted) if size not in (None, given[axis]))
        return Disagreement(name, (place, place), axis, shown, wanted[axis], given[axis])
    return None


def _spec(spec: Any, arrays: Sequence[np.ndarray]) -> Any:
    """A spec of the shape that all arrays have; axes of several sizes are left open."""
    shapes = [array.shape for array in arrays]
    shape = [sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*shapes, strict=True)]
    return tf.TensorSpec(shape, spec.dtype)


def _written(signature: Any) -> str:
    if isinstance(signature, tuple):
        return f"({', '.join(map(_written, signature))})"
    if isinstance(signature, dict):
        return f"{{{', '.join(f'{key!r}: {_written(value)}' for key, value in signature.items())}}}"
    return f"tf.TensorSpec({tuple(signature.shape.as_list())}, tf.{signature.dtype.name})"
