"""Changes of ``x[mask]`` where the mask of truth values has other axes than what it picks from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import islice

from shapewidget.diagnosis.chains import index_items
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.expressions import subscript
from shapewidget.diagnosis.loss_search import dims_of
from shapewidget.diagnosis.rearrangements import rearranged
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression
from shapewidget.graph.steps import Dims, written

_MOST = 2


def mask_index_remedies(evidence: Evidence, layer: Layer) -> tuple[EditExpression, ...]:
    """The mask cut as its tensor was, its axes put as those of its tensor are, or both flattened."""
    parts = subscript(layer.source)
    if parts is None or layer.source is None or len(layer.inputs) != 2 or layer.inputs[1].dtype != "bool":
        return ()
    tensor, mask = parts
    found = [f"{tensor}[{mask}[{each}]]" for each in _cuts(evidence, layer)]
    wanted, given = (dims_of(spec) for spec in layer.inputs)
    for steps in islice(rearranged(given, len(wanted), _stands_for(wanted)), _MOST):
        found.append(f"{tensor}[{written(steps, mask)}]")
    shapes = [spec.shape for spec in layer.inputs]
    if len(shapes[1]) > 1 and math.prod(shapes[1]) == shapes[0][0]:
        found.append(f"{tensor}[{mask}.flatten()]")
    if len(shapes[1]) == 1 and len(shapes[0]) > 2 and math.prod(shapes[0][:2]) == shapes[1][0]:
        found.append(f"{tensor}.flatten(0, 1)[{mask}]")
    return tuple(EditExpression(layer.source, text) for text in found)


def _stands_for(wanted: Dims) -> Callable[[Dims], bool]:
    return lambda dims: dims == wanted[: len(dims)]


def _cuts(evidence: Evidence, layer: Layer) -> Iterator[str]:
    """What stands in the brackets that have cut the tensor, or another one of its shape, from the shape of the mask."""
    small, large = (spec.shape for spec in layer.inputs)
    nodes = [
        it
        for it in evidence.graph.layers
        if it.name == "index" and it.inputs and it.outputs and "tensor" not in index_items(it)
    ]
    for node in sorted(nodes, key=lambda it: it.path != layer.path):
        if node.inputs[0].shape == large and node.outputs[0].shape == small:
            parts = subscript(node.source) if node.path == layer.path else None
            yield parts[1] if parts is not None else ", ".join(index_items(node))
            return
