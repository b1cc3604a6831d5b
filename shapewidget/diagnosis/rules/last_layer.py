"""States of a stack of recurrent layers: the last layer's, in both directions, is what the stack has to say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.chains import axis_picked, readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import indexed
from shapewidget.diagnosis.rules.last_state import recurrent
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument, Together


def last_layer_unread(evidence: Evidence) -> Iterator[Diagnosis]:
    """Rows of `h_n` are taken, but not that of the last layer, and nothing else of the layer is used."""
    for layer in recurrent(evidence):
        if len(layer.outputs) < 2 or len(layer.outputs[1].shape) != 3 or layer.outputs[1].shape[0] < 2:
            continue
        edges = evidence.edges_out.get(layer.id, ())
        reads = [reader for reader, _ in readers(evidence, layer, 1)]
        picked = [axis_picked(reader) for reader in reads]
        if any(edge.output != 1 for edge in edges) or not reads:
            continue
        rows = layer.outputs[1].shape[0]
        taken = {place[1] % rows for place in picked if place is not None and place[0] == 0}
        needed = set(range(rows - (2 if layer.settings.get("bidirectional") else 1), rows))
        if all(place is not None and place[0] == 0 for place in picked) and not needed <= taken:
            yield _said(evidence, layer, reads, sorted(taken), sorted(needed))


def _said(evidence: Evidence, layer: Layer, reads: list[Layer], taken: list[int], needed: list[int]) -> Diagnosis:
    states = layer.outputs[1]
    directions = len(needed)
    names = [_name(row, states.shape[0], directions) for row in taken]
    missing = [_name(row, states.shape[0], directions) for row in needed if row not in taken]
    remedies = tuple(_remedies(evidence, reads, states.shape[0], needed))
    texts = ", ".join(f"h_n[{row - states.shape[0]}]" for row in needed)
    reason = (
        f"{place_text(layer)} gives one state for each of {states.shape[0]} layers x directions, {shape_text(states)}. "
        f"Row {' and '.join(map(str, taken))}, {' and '.join(names)}, is all that is read of them: "
        f"{' and '.join(missing)} is computed and not used, so that nothing trains its weights."
    )
    said = finding_at(
        "SW662", reads[0], reason, fix=texts if directions == 1 else f"torch.cat([{texts}], dim=-1)", axis=0,
        axis_name="layers x directions", expected=f"row {' and '.join(map(str, needed))} of {states.shape[0]}",
        got=f"row {' and '.join(map(str, taken))} of {states.shape[0]}",
    )  # fmt: skip
    return Diagnosis(replace(said, layer=layer.path or layer.type), remedies)


def _name(row: int, rows: int, directions: int) -> str:
    layer = row // directions
    which = "the last layer" if layer == rows // directions - 1 else f"layer {layer}"
    return which if directions == 1 else f"the {('forward', 'backward')[row % 2]} direction of {which}"


def _remedies(evidence: Evidence, reads: list[Layer], rows: int, needed: list[int]) -> Iterator[Remedy]:
    """The rows of the last layer in the place of those that are taken; the layer behind is widened for two of them."""
    edits = []
    for reader in reads:
        picked, states = axis_picked(reader), indexed(reader.source)
        if picked is None or states is None or reader.source is None or not reader.outputs:
            return
        if len(reads) == len(needed):
            edits.append(EditExpression(reader.source, f"{states}[{needed[picked[1] % rows % len(needed)] - rows}]"))
        else:
            both = ", ".join(f"{states}[{row - rows}]" for row in needed)
            edits.append(EditExpression(reader.source, f"torch.cat([{both}], dim=-1)"))
    width, behind = reads[0].outputs[0].shape[-1], [reader for reader, _ in readers(evidence, reads[0])]
    if len(reads) == len(needed):
        yield edits[0] if len(edits) == 1 else Together(tuple(edits))
    elif len(behind) == 1 and behind[0].size("in_features") == width:
        yield Together((*edits, SetArgument(behind[0].path, "in_features", len(needed) * width)))
