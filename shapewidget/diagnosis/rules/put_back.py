"""Maps that were cut into windows and are put back in another order than they were cut in."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Part
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import method_call
from shapewidget.diagnosis.pieces import put_back_otherwise
from shapewidget.diagnosis.rules.reshape import is_reshape
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression


def map_put_back_in_another_order(evidence: Evidence) -> Iterator[Diagnosis]:
    """A reshape to the height and width that a map was cut from, of pieces that do not stand in that order."""
    for layer in evidence.graph.layers:
        found = put_back_otherwise(evidence, layer) if is_reshape(layer) and layer.id not in evidence.clash_at else None
        if found is not None:
            yield _said(layer, *found)


def _said(layer: Layer, parts: list[Part], order: list[int]) -> Diagnosis:
    given, made = layer.inputs[0], layer.outputs[0]
    sizes = [part.size for part in parts]
    call, text = method_call(layer.source), ""
    if call is not None and call.name in ("view", "reshape"):
        cut = ", ".join(map(str, (-1, *sizes[1:])))
        moved = f"{call.receiver}.reshape({cut}).permute({', '.join(map(str, order))})"
        text = f"{moved}.reshape({', '.join(call.arguments)})"
    reason = (
        f"{place_text(layer)} takes {shape_text(given)}, the pieces of a map, back to {shape_text(made)}. They stand "
        f"in the order {tuple(sizes)}, where pieces of one axis lie between those of another, and a {layer.type} moves "
        f"no values: rows of different windows are put into one row. Expected {tuple(sizes[at] for at in order)}."
    )
    said = finding_at(
        "SW621", layer, reason, fix=text or f"permute{tuple(order)} before the {layer.type}", axis=1,
        axis_name="rows and columns", expected=tuple(sizes[at] for at in order), got=tuple(sizes),
    )  # fmt: skip
    return Diagnosis(said, (EditExpression(layer.source, text),) if text and layer.source is not None else ())
