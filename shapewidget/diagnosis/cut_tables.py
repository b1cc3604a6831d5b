"""Tables of the model's own, as of positions, that were cut to the batch size and meet something longer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shapewidget.diagnosis.batch_axis import has_batch
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, Together

_CUTS = frozenset(("index", "narrow", "slice"))
_STOP = re.compile(r"\[:\s*(\w+)\]$")
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


def cut_to_length(evidence: Evidence, layer: Layer, places: tuple[int, int], axis: int) -> Iterator[Remedy]:
    """The cut with the size of another axis: of the tensor that it reads its size from, or of the one that it meets.

    Args:
        evidence: The run.
        layer: The operation in which a table meets samples.
        places: Which of its inputs are the samples and the table.
        axis: The axis of the samples that the table has a row for.
    """
    cut = cut_to_batch(evidence, layer, places[1])
    if cut is None or cut.source is None:
        return
    text = cut.source.expression or ""
    if _FROM_FRONT.search(text):
        yield EditExpression(cut.source, _FROM_FRONT.sub(f".size({axis})", text))
        return
    operands = operands_of(layer)
    name = operands.text(places[0]) if operands is not None and len(operands) > max(places) else ""
    stop = _STOP.search(text)
    if stop is not None and name.isidentifier():
        edits = dict.fromkeys(_cut_the_same_way(evidence, layer, stop[1], f"[:{name}.size({axis})]"))
        yield Together(tuple(edits)) if len(edits) > 1 else next(iter(edits))


def _cut_the_same_way(evidence: Evidence, layer: Layer, stop: str, slices: str) -> Iterator[EditExpression]:
    """An edit for every table of a module that is cut to the same number."""
    for clash in evidence.clashes:
        meeting = evidence.layer(clash.layer_id)
        if meeting is None or meeting.path != layer.path:
            continue
        for place in range(len(meeting.inputs)):
            cut = cut_to_batch(evidence, meeting, place)
            text = (cut.source.expression or "") if cut is not None and cut.source is not None else ""
            found = _STOP.search(text)
            if cut is not None and cut.source is not None and found is not None and found[1] == stop:
                yield EditExpression(cut.source, text[: found.start()] + slices)
