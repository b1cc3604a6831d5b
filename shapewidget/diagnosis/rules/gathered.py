"""Rows picked out of a tensor by indices that mean something else than the axis that they are used on."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression, Remedy

_OF_CLASSES = frozenset(("one_hot", "sparse_softmax_cross_entropy_with_logits"))


def positions_by_class(evidence: Evidence) -> Iterator[Diagnosis]:
    """A `gather_nd` of (batch, time, class) whose index along time is what is compared as the class elsewhere."""
    labels = _labels(evidence)
    for layer in evidence.graph.layers:
        if layer.name != "gather_nd" or len(layer.inputs) < 2 or not layer.outputs:
            continue
        shape, count = layer.inputs[0].shape, layer.inputs[1].shape[-1]
        pairs = evidence.producer(layer.id, 1)
        if count >= len(shape) or pairs is None or pairs.name != "stack":
            continue
        for axis in range(1, min(count, len(pairs.inputs))):
            maker = evidence.producer(pairs.id, axis)
            if maker is not None and labels.get(maker.id) == shape[-1]:
                yield _diagnosis(layer, maker, axis)


def _labels(evidence: Evidence) -> dict[str, int]:
    """The nodes whose values are read as classes, and of how many."""
    found = {}
    for layer in evidence.graph.layers:
        if layer.name in _OF_CLASSES and layer.outputs:
            place = 0 if layer.name == "one_hot" else 1
            maker = evidence.producer(layer.id, place)
            if maker is not None:
                found[maker.id] = (layer.outputs if place == 0 else layer.inputs)[0].shape[-1]
    return found


def _diagnosis(layer: Layer, labels: Layer, axis: int) -> Diagnosis:
    given = layer.inputs[0]
    steps, classes = given.shape[axis], given.shape[-1]
    clause = "nothing raises, as there are more positions" if classes <= steps else "it raises for the larger ids"
    return Diagnosis(
        finding_at(
            "SW614",
            layer,
            f"{place_text(layer)} takes {place_text(labels)} as the position on axis {axis} of {shape_text(given)}, "
            f"which has {steps}; the same values are compared as class ids, 0 to {classes - 1}, so the class of a "
            f"sample decides at which position it is looked at: {clause}. Expected a position, such as the last.",
            fix=f"pick the position itself: [:, -1] of the {steps}",
            axis=axis,
            axis_name="time",
            expected=f"a position of {steps}",
            got=f"class ids 0..{classes - 1}",
        ),
        tuple(_remedies(layer)),
    )


def _remedies(layer: Layer) -> Iterator[Remedy]:
    source = layer.source
    if source is None or source.expression is None:
        return
    call = ast.parse(source.expression, mode="eval").body
    if isinstance(call, ast.Call) and call.args:
        yield EditExpression(source, f"{ast.unparse(call.args[0])}[:, -1]")
