"""Batches that were flattened to one row of values, where an axis behind the batch is still asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import method_call
from shapewidget.diagnosis.rules.reshape import is_reshape
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Clash, ClashKind, Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, Together

_BY_ELEMENT = frozenset("mul add sub div pow neg abs square exp log sigmoid clamp float to contiguous sqrt".split())


def batch_flattened(evidence: Evidence) -> Iterator[Diagnosis]:
    """An operation along an axis that a `view(-1)` took away, with the samples: the view is where it went wrong."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        flats = flattened_behind(evidence, clash)
        if layer is not None and flats:
            yield _said(layer, flats)
            return


def flattened_behind(evidence: Evidence, clash: Clash) -> list[Layer]:
    """The reshapes to a single axis that a refused operation reads; none of another clash."""
    layer = evidence.layer(clash.layer_id)
    if layer is None or clash.kind is not ClashKind.RANK or layer.kind is not LayerKind.OPERATION:
        return []
    if not layer.inputs or len(layer.inputs[0].shape) != 1:
        return []
    found, waiting, seen = list[Layer](), [layer.id], set[str]()
    while waiting:
        for edge in evidence.edges_into.get(waiting.pop(0), ()):
            node = evidence.layer(edge.source)
            if node is None or node.id in seen:
                continue
            seen.add(node.id)
            if is_reshape(node) and len(node.inputs[0].shape) > 1 and len(node.outputs[0].shape) == 1:
                found.append(node)
            elif node.name.rstrip("_") in _BY_ELEMENT:
                waiting.append(node.id)
    return found


def _said(layer: Layer, flats: list[Layer]) -> Diagnosis:
    first = flats[0]
    given, made = first.inputs[0], first.outputs[0]
    samples = given.shape[0]
    wanted = (samples, math.prod(given.shape[1:]))
    edits = [edit for each in flats for edit in _by_sample(each)]
    remedies: tuple[Remedy, ...] = (Together(tuple(edits)),) if len(edits) == len(flats) else ()
    reason = (
        f"{place_text(first)} makes one row of {made.shape[0]} values of {shape_text(given)}, its {samples} samples "
        f"too. {place_text(layer)} then asks for a second axis, which is gone: with the batch kept, each sample has "
        f"{wanted[1]} values, {wanted}."
    )
    said = finding_at(
        "SW110", first, reason, fix="; ".join(edit.replacement for edit in edits) or "x.flatten(1)", axis=0,
        axis_name="batch", expected=wanted, got=made.shape,
    )  # fmt: skip
    return Diagnosis(said, remedies)


def _by_sample(flat: Layer) -> Iterator[EditExpression]:
    call = method_call(flat.source)
    if call is not None and flat.source is not None and call.name in ("view", "reshape", "flatten"):
        yield EditExpression(flat.source, f"{call.receiver}.flatten(1)")
