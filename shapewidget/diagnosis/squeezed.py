"""A `squeeze` that has taken the batch axis away, as the same line shows that has run on larger batches before."""

from __future__ import annotations

from shapewidget.diagnosis.evidence import Evidence
from shapewidget.graph.records import Layer, LayerKind


def squeezed_away(evidence: Evidence) -> list[tuple[Layer, Layer]]:
    """Where a line squeezed a batch of one to nothing, and the first run of it, which left the batch as it was."""
    first: dict[object, Layer] = {}
    found = []
    for layer in evidence.graph.layers:
        if layer.name != "squeeze" or layer.kind is not LayerKind.OPERATION or not layer.outputs or not layer.source:
            continue
        given, made = layer.inputs[0].shape, layer.outputs[0].shape
        before = first.get(layer.source)
        if given[:1] == made[:1] and given[:1] > (1,):
            first.setdefault(layer.source, layer)
        elif before is not None and given == (1, *before.inputs[0].shape[1:]) and made == before.outputs[0].shape[1:]:
            found.append((before, layer))
    return found
