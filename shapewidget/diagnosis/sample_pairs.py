"""Vectors of one batch that meet as a row and a column, though nobody made a column of one."""

from __future__ import annotations

from shapewidget.diagnosis.chains import index_items
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.written_loss import ends_in_one_number, has_weights_behind
from shapewidget.graph.records import Layer

_ADDING_AXES = frozenset("unsqueeze expand_dims reshape view".split())
_OF_SAME_VALUES = frozenset("squeeze reshape view transpose detach stop_gradient".split())


def is_of_one_batch(evidence: Evidence, layer: Layer) -> bool:
    """Whether (n,) and (n, 1) that were learned meet, each with a number for the same samples, and make one number.

    Not where the column was made there and then, or both are the same values: pairs are meant so.
    """
    longer, shorter = (0, 1) if len(layer.inputs[0].shape) > len(layer.inputs[1].shape) else (1, 0)
    column, row = layer.inputs[longer].shape, layer.inputs[shorter].shape
    if column != (*row, 1) or len(row) != 1 or row[0] < 2:
        return False
    own, other = evidence.axes_into(layer, longer)[0], evidence.axes_into(layer, shorter)[0]
    if not own or own != other or not all(has_weights_behind(evidence.graph, layer.id, place) for place in (0, 1)):
        return False
    is_meant = _is_made_column(evidence, layer, longer) or _origin(evidence, layer, 0) == _origin(evidence, layer, 1)
    return not is_meant and ends_in_one_number(evidence.graph, layer.id)


def _is_made_column(evidence: Evidence, layer: Layer, place: int) -> bool:
    maker = evidence.producer(layer.id, place)
    return maker is not None and (maker.name in _ADDING_AXES or "None" in index_items(maker))


def _origin(evidence: Evidence, layer: Layer, place: int) -> tuple[str, int] | None:
    """The tensor that holds the values of an operand in another shape."""
    edge = evidence.edge_into(layer.id, place)
    maker = evidence.layer(edge.source) if edge is not None else None
    if edge is None or maker is None:
        return None
    return _origin(evidence, maker, 0) if maker.name in _OF_SAME_VALUES else (edge.source, edge.output)
