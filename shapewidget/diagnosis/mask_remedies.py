"""Changes that let a mask of padding through, or hand it over where it was lost."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.expressions import with_keywords
from shapewidget.diagnosis.operand_texts import call_of, operands_of
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, HandOver, KeepMask, Remedy


def mask_remedies(evidence: Evidence, holder: Layer, reader: Layer, place: int) -> Iterator[Remedy]:
    """The mask handed to the layer that looks for it, or let through by the layer that drops it.

    Args:
        evidence: What ran.
        holder: The layer or operation that drops the mask.
        reader: The layer that looks for it.
        place: The input of the reader that came without.
    """
    keeps = [KeepMask(holder.path)] if holder.kind is not LayerKind.OPERATION and holder.path else []
    is_users = holder.type == "Lambda" or holder.kind is LayerKind.GROUP
    handed = tuple(_handed(evidence, reader, place)) if reader.kind is LayerKind.LAYER else ()
    yield from (*keeps, *handed) if is_users else (*handed, *keeps)


def _handed(evidence: Evidence, reader: Layer, place: int) -> Iterator[Remedy]:
    edge = evidence.edge_into(reader.id, place)
    ids = evidence.before(edge.source) if edge is not None else set[str]()
    made = [each for each in evidence.graph.layers if each.id in ids and each.settings.get("mask_zero")]
    if len(made) != 1 or not made[0].inputs or place:
        return
    embedding, given, steps = made[0], made[0].inputs[0].shape, reader.inputs[place].shape[1]
    window = given[1] // steps if len(given) > 1 and steps > 0 and given[1] % steps == 0 else 1
    calls = [(one, other) for one in _calls(evidence, embedding) for other in _calls(evidence, reader)]
    edits = (_edited(one, other, window, len(given)) for one, other in calls)
    edit = next((each for each in edits if each is not None), None)
    if edit is not None:
        yield edit
    if reader.path and embedding.path:
        yield HandOver(reader.path, edit, masked_by=embedding.path, window=window)


def _calls(evidence: Evidence, layer: Layer) -> list[Layer]:
    """The calls of a layer, also those that built the model."""
    return [each for each in evidence.graph.layers if each.path == layer.path and each.type == layer.type]


def _edited(embedding: Layer, reader: Layer, window: int, rank: int) -> EditExpression | None:
    """The call of the layer with the mask, where one function calls it and the embedding."""
    looked_up, operands = call_of(embedding.source), operands_of(embedding)
    here, there = embedding.source, reader.source
    if looked_up is None or operands is None or here is None or there is None or here.filename != there.filename:
        return None
    if not looked_up.args or embedding.parent != reader.parent or call_of(there) is None or here.line == there.line:
        return None
    mask = f"{operands.text(0)} != 0"
    if window > 1:
        mask = f"keras.layers.Reshape((-1, {window}))({mask}).any(-1)"
    elif rank > 2:
        mask = f"({mask}).any(-1)"
    text = with_keywords(there, f"mask={mask}")
    return EditExpression(there, text) if text is not None else None
