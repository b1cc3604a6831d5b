"""Outputs of several batches that were joined, and meet the targets of one."""

from __future__ import annotations

from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.wording import place_text
from shapewidget.graph.records import Layer

_JOINS = ("cat", "concat", "concatenate", "stack", "vstack")


def joined_behind(evidence: Evidence, loss: Layer) -> Layer | None:
    """The operation that joined as many pieces, each with a row for every target, to the outputs of a loss."""
    outputs, targets = loss.inputs[:2]
    if not outputs.shape or not targets.shape:
        return None
    samples, before = targets.shape[0], evidence.before(loss.id)
    for layer in evidence.graph.layers:
        if layer.id in before and layer.name in _JOINS and len(layer.inputs) > 1 and layer.outputs:
            pieces = {spec.shape[:1] for spec in layer.inputs}
            is_whole = layer.outputs[0].shape[:1] == outputs.shape[:1] == (len(layer.inputs) * samples,)
            if pieces == {(samples,)} and is_whole:
                return layer
    return None


def joined_text(join: Layer, samples: int) -> str:
    """What happened, in a sentence."""
    count = len(join.inputs)
    at = f" at {join.source}" if join.source is not None else ""
    return (
        f" {count * samples} = {count} x {samples}: {place_text(join)}{at} joins the outputs of {count} batches of "
        f"{samples}, and the targets are those of one."
    )
