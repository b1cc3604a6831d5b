"""Masks and positions that a program makes as it runs, and makes as many of as there are samples, not steps."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.batch_axis import BATCH, TIME, has_batch
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import ReadAlong


def made_for_steps(evidence: Evidence, layer: Layer, place: int) -> Iterator[ReadAlong]:
    """What an operand is made of that is as large as the batch and holds nothing of the data, made for the steps."""
    first = next((each for each in evidence.graph.layers if each.kind is LayerKind.INPUT and each.outputs), None)
    dims = first.outputs[0].dims if first is not None else None
    edge = evidence.edge_into(layer.id, place)
    if edge is None or dims is None or not {BATCH, TIME} <= set(dims):
        return
    ids = evidence.before(edge.source)
    made = [each for each in evidence.graph.layers if each.id in ids and any(map(has_batch, each.outputs))]
    own = [each for each in made if not _is_of_data(evidence, each)]
    sources = tuple(dict.fromkeys(each.source for each in own if each.source is not None))
    if sources:
        yield ReadAlong(sources, dims.index(BATCH), dims.index(TIME))


def _is_of_data(evidence: Evidence, layer: Layer) -> bool:
    before = (evidence.layer(each) for each in evidence.before(layer.id))
    return any(each is not None and each.kind is LayerKind.INPUT for each in before)
