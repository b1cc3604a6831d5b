"""Sequences that are turned round along their features, in front of a recurrent layer that was to read them backwards.

A layer learns the features in whichever order they come, so that turning them round in front of it alone has no effect.
Where one layer reads both orders, they are meant: that is how pictures are mirrored.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.batch_axis import TIME, is_in_doubt
from shapewidget.diagnosis.chains import readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import call_of, is_method
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression, Together


def features_turned_round(evidence: Evidence) -> Iterator[Diagnosis]:
    """A flip of the last axis of (batch, time, features), which only recurrent layers of their own read."""
    if is_in_doubt(evidence):
        return
    for layer in evidence.graph.layers:
        dims = layer.inputs[0].dims if layer.inputs else None
        if not _turns_features(layer) or dims is None or len(dims) != 3 or TIME not in dims[:2]:
            continue
        reads = [reader for reader, _ in readers(evidence, layer)]
        if reads and all(_reads_steps(reader) and not _is_called_again(evidence, reader) for reader in reads):
            yield _said(evidence, layer, reads[0], dims.index(TIME))


def _turns_features(layer: Layer) -> bool:
    asked = layer.settings.get("dims", layer.settings.get("1"))
    given = asked if isinstance(asked, tuple) else (asked,)
    return layer.name == "flip" and given in ((-1,), (len(layer.inputs[0].shape) - 1,))


def _reads_steps(layer: Layer) -> bool:
    return layer.size("hidden_size") is not None and "batch_first" in layer.settings


def _is_called_again(evidence: Evidence, layer: Layer) -> bool:
    return sum(each.path == layer.path and each.kind is layer.kind for each in evidence.graph.layers) > 1


def _said(evidence: Evidence, layer: Layer, read: Layer, time: int) -> Diagnosis:
    given, last = layer.inputs[0], len(layer.inputs[0].shape) - 1
    behind = [reader for reader, _ in readers(evidence, read) if reader.inputs and _turns_features(reader)]
    edits = [edit for each in (*behind, layer) for edit in _along_time(each, time)]
    is_whole = len(edits) == 1 + len(behind)
    features, steps = given.shape[last], given.shape[time]
    reason = (
        f"{place_text(layer)} turns axis {last} of {shape_text(given)} round, the {features} features. "
        f"{place_text(read)} then reads the {steps} steps in the same order as before: axis {time} is time."
    )
    said = finding_at(
        "SW644", layer, reason, fix="; ".join(edit.replacement for edit in edits) or f"flip({time})", axis=last,
        axis_name="features", expected=f"dim={time} ({steps} steps)", got=f"dim={last} ({features} features)",
    )  # fmt: skip
    return Diagnosis(said, (Together(tuple(edits)),) if is_whole else ())


def _along_time(layer: Layer, time: int) -> Iterator[EditExpression]:
    """The flip with the axis of time in the place of that of the features."""
    call, source = call_of(layer.source), layer.source
    if call is None or source is None or not isinstance(call.func, ast.Attribute):
        return
    tensor = call.func.value if is_method(call.func) else next(iter(call.args), None)
    if tensor is not None:
        yield EditExpression(source, f"{ast.unparse(tensor)}.flip({time})")
