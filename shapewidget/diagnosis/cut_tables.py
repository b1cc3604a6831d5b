"""Tables of the model's own, as of positions, that were cut to the batch size and meet something longer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shapewidget.diagnosis.batch_axis import has_batch
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression

_CUTS = frozenset(("index", "narrow", "slice"))
_FROM_FRONT = re.compile(r"\.(?:shape\[0\]|size\(0\))")


def cut_to_batch(evidence: Evidence, layer: Layer, place: int) -> Layer | None:
    """The operation that cut an input to as many rows as there are samples, where the input holds no samples.

    Each row would be another sample's: no arrangement of its axes makes it right.
    """
    cut = evidence.producer(layer.id, place)
    if cut is None or cut.name not in _CUTS or not has_batch(layer.inputs[place]):
        return None
    sources = (evidence.layer(each) for each in evidence.before(cut.id))
    return None if any(it is None or it.kind is LayerKind.INPUT for it in sources) else cut


def cut_to_length(cut: Layer, axis: int) -> Iterator[EditExpression]:
    """The cut with the size of another axis of the tensor that it reads its size from."""
    text = cut.source.expression if cut.source is not None else None
    if cut.source is not None and text and _FROM_FRONT.search(text):
        yield EditExpression(cut.source, _FROM_FRONT.sub(f".size({axis})", text))
