"""Which axes a product of two tensors sums over."""

from __future__ import annotations

from shapewidget.diagnosis.batch_axis import has_batch
from shapewidget.diagnosis.chains import axis_argument, readers
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.graph.dims import Dim
from shapewidget.graph.records import Layer

_MATRIX_PRODUCTS = frozenset("matmul bmm mm".split())
_MOVES_AXES = frozenset("transpose permute movedim swapaxes t mT T unsqueeze squeeze".split())


def is_summed_along(evidence: Evidence, layer: Layer, size: Dim) -> bool:
    """Whether what a node gives is multiplied with another tensor of the batch, and summed along the axis of a size."""
    return any(
        size in _summed(evidence, reader, place)
        or (reader.name in _MOVES_AXES and is_summed_along(evidence, reader, size))
        for reader, place in readers(evidence, layer)
    )


def axes_summed(evidence: Evidence, layer: Layer) -> set[int]:
    """The axes of what a node gives that a product right behind it sums over, together with another tensor's."""
    found: set[int] = set()
    for reader, place in readers(evidence, layer):
        rank = len(reader.inputs[place].shape) if place < len(reader.inputs) else 0
        if reader.name == "einsum":
            terms, _, made = str(reader.settings.get("0", "")).replace(" ", "").partition("->")
            letters = terms.split(",")[place] if made and place <= terms.count(",") else ""
            summed = [at for at, each in enumerate(letters) if each not in made and terms.count(each) > 1]
            found |= set(summed) if len(letters) == rank else set()
        elif reader.name in _MATRIX_PRODUCTS and rank > 1:
            found.add(rank - 2 if place else rank - 1)
    return found


def _summed(evidence: Evidence, layer: Layer, place: int) -> list[Dim]:
    """The axes of one operand that a product of two batches sums over; none for anything else."""
    dims = layer.inputs[place].dims if place < len(layer.inputs) else None
    if dims is None or len(layer.inputs) != 2 or not has_batch(layer.inputs[1 - place]):
        return []
    if layer.name == "einsum":
        return _summed_by_letters(layer, place, dims)
    if layer.name in _MATRIX_PRODUCTS and len(dims) > 1:
        return [dims[-2] if place else dims[-1]]
    if layer.name == "mul":
        sums = [reader for reader, _ in readers(evidence, layer) if reader.name == "sum"]
        axes = [(reader.inputs[0].dims or (), axis_argument(reader)) for reader in sums]
        return [made[axis] for made, axis in axes if axis is not None and axis < len(made)]
    return []


def _summed_by_letters(layer: Layer, place: int, dims: tuple[Dim, ...]) -> list[Dim]:
    given, _, made = str(layer.settings.get("0", "")).replace(" ", "").partition("->")
    letters = given.split(",")
    if not made or place >= len(letters) or len(letters[place]) != len(dims):
        return []
    return [dim for letter, dim in zip(letters[place], dims, strict=True) if letter not in made]
