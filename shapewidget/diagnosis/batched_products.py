"""Changes of a product of matrices whose axes in front, those of the batch, do not fit one another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from shapewidget.diagnosis.loss_search import dims_of
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.rearrangements import multiplies, rearranged
from shapewidget.graph.records import Clash, Layer
from shapewidget.graph.remedies import EditExpression
from shapewidget.graph.steps import Dims, written

_MATRIX = 2
_MOST = 3


def clashes_in_front(clash: Clash | None, layer: Layer) -> bool:
    """Whether the axes that clash are none of the two that are multiplied."""
    return clash is not None and clash.axis is not None and clash.axis < len(layer.inputs[1].shape) - _MATRIX


def batched_product_remedies(layer: Layer) -> Iterator[EditExpression]:
    """`matmul`, which broadcasts an axis of one, or the axes of one tensor put so that samples meet their own."""
    operands = operands_of(layer)
    if operands is None or len(operands) != 2:
        return
    left, right = (dims_of(spec) for spec in layer.inputs[:2])
    if layer.name == "bmm" and 1 in (layer.inputs[0].shape[0], layer.inputs[1].shape[0]):
        yield EditExpression(operands.source, f"{operands.text(0)}.matmul({operands.text(1)})")
    for place, other, dims in ((1, left, right), (0, right, left)):

        def fits(made: Dims, place: int = place, other: Dims = other) -> bool:
            pair = (other, made) if place else (made, other)
            return multiplies(pair[0])(pair[1]) and _in_front(pair[0]) == _in_front(pair[1])

        for steps in islice(rearranged(dims, len(dims), fits), _MOST):
            yield operands.edit({place: written(steps, operands.text(place))})


def _in_front(dims: Dims) -> list[int]:
    """Where the batch stands, from the back: among the axes that are multiplied it would be mixed."""
    return [axis - len(dims) for axis, dim in enumerate(dims) if "B" in dim.names]
