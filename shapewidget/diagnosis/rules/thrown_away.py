"""Layers whose result is lost: the next line reads what they were given once more, under the same name."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import HandOver


def result_thrown_away(evidence: Evidence) -> Iterator[Diagnosis]:
    """A layer that nothing reads, whose name is given what another layer makes of the very same tensor."""
    order = {layer.id: place for place, layer in enumerate(evidence.graph.layers)}
    for layer in evidence.graph.layers:
        lost = layer.settings.get("overwritten")
        if not isinstance(lost, tuple) or evidence.clashes or not _is_of_model(evidence, layer):
            continue
        name, first, last = lost
        for edge in evidence.edges_into.get(layer.id, ())[:1]:
            after = (other for other in evidence.edges_out[edge.source] if order[other.target] > order[layer.id])
            for other in (each for each in after if each.output == edge.output):
                reader = evidence.graph.by_id[other.target]
                if reader.path != layer.path and _stands_on(reader, layer, first, last):
                    yield _said(layer, reader, other.input, str(name))
                    break


def _is_of_model(evidence: Evidence, layer: Layer) -> bool:
    """Whether a model calls the layer, or is being built of it: a whole model may be called for nothing."""
    is_built = bool(layer.outputs) and min(layer.outputs[0].shape, default=0) < 0
    is_within = layer.parent is not None or "output" in evidence.graph.by_id
    return layer.kind is LayerKind.LAYER and (is_within or is_built)


def _stands_on(reader: Layer, layer: Layer, first: int, last: int) -> bool:
    here, there = layer.source, reader.source
    if here is None or there is None or here.filename != there.filename:
        return False
    return first <= there.line <= last and reader.parent == layer.parent


def _said(layer: Layer, reader: Layer, place: int, name: str) -> Diagnosis:
    operands = operands_of(reader)
    edits = (operands.edit({place: name}),) if operands is not None and len(operands) > place else ()
    handed = (HandOver(reader.path, edits[0] if edits else None, place, layer.path),) if reader.path else ()
    reason = (
        f"{place_text(layer)} makes {shape_text(layer.outputs[0])}, and nothing reads it: {place_text(reader)} "
        f"is given {shape_text(reader.inputs[place])} once more, what `{layer.name}` was given, and its result takes "
        f"the name `{name}`. Expected {shape_text(layer.outputs[0])} here, or no `{layer.name}` at all."
    )
    said = finding_at(
        "SW671", reader, reason, fix=edits[0].replacement if edits else f"hand `{name}` to `{reader.name}`",
        expected=shape_text(layer.outputs[0]), got=shape_text(reader.inputs[place]), input=place,
    )  # fmt: skip
    return Diagnosis(said, (*edits, *handed))
