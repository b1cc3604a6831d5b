"""Batches that are cut in parts where the features were meant: `chunk` and `split` run along axis 0 by default.

The parts of features play different roles, as the mean and the log-variance of one sample, or a value and its gate.
Parts of a batch do not: what is done to one of them and not to another tells the two apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Role, is_all
from shapewidget.diagnosis.axis_remedies import axis_keywords
from shapewidget.diagnosis.batch_axis import BATCH
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import along, with_keywords
from shapewidget.diagnosis.findings import Severity
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression

_CUTS = frozenset(("chunk", "split", "tensor_split"))
_ROLES = frozenset("exp sigmoid softplus tanh gelu silu Sigmoid Softplus Tanh GELU SiLU".split())
_MEETING = frozenset(("add", "sub", "mul", "div", "addcmul"))
_AXES = frozenset(("index", "unsqueeze", "view", "reshape"))
_BY_ELEMENT = _ROLES | _MEETING | frozenset(("clamp", "sqrt", "pow", "neg"))


def batch_cut_for_features(evidence: Evidence) -> Iterator[Diagnosis]:
    """A cut along the batch whose parts are given different roles and then meet value by value."""
    for layer in evidence.graph.layers:
        if layer.name not in _CUTS or len(layer.outputs) < 2 or evidence.is_behind_the_model(layer):
            continue
        dims = layer.inputs[0].dims
        given, made = layer.inputs[0].shape, layer.outputs[0].shape
        if dims is None or len(dims) < 2 or dims[0] != BATCH or given[1:] != made[1:]:
            continue
        behind = [_behind(evidence, layer, output) for output in range(len(layer.outputs))]
        meet = any(each.name in _MEETING for each in behind[0] if each in behind[1])
        roles = {frozenset(each.name for each in part if each.name in _ROLES) for part in _own(behind)}
        if (meet and len(roles) > 1) or _scales_and_shifts(evidence, layer):
            yield _said(evidence, layer)


def _scales_and_shifts(evidence: Evidence, layer: Layer) -> bool:
    """Whether one part is multiplied with what is of no part, and another is added to the product."""
    parts = [_first_meeting(evidence, layer, output) for output in range(len(layer.outputs))]
    if len(parts) != 2 or {each.name for each in parts if each is not None} != {"mul", "add"}:
        return False
    scaled, shifted = sorted((each for each in parts if each is not None), key=lambda each: each.name != "mul")
    others = [edge.source for edge in evidence.edges_into[scaled.id]]
    is_outside = any(layer.id not in evidence.before(source) for source in others)
    return is_outside and scaled.id in evidence.before(shifted.id)


def _first_meeting(evidence: Evidence, layer: Layer, output: int) -> Layer | None:
    """Where a part first meets another tensor, past numbers that are added to it and axes that it is given."""
    for edge in evidence.edges_out.get(layer.id, ()):
        reader = evidence.layer(edge.target)
        if edge.output == output and reader is not None:
            is_alone = len(reader.inputs) == 1 and reader.name in _BY_ELEMENT | _AXES
            return _first_meeting(evidence, reader, 0) if is_alone else reader
    return None


def _behind(evidence: Evidence, layer: Layer, output: int) -> list[Layer]:
    """What is done to one part value by value."""
    found, waiting = list[Layer](), [(layer.id, output)]
    while waiting:
        node, place = waiting.pop()
        for edge in evidence.edges_out.get(node, ()):
            reader = evidence.layer(edge.target)
            if edge.output == place and reader is not None and reader.name in _BY_ELEMENT and reader not in found:
                found.append(reader)
                waiting.append((reader.id, 0))
    return found


def _own(behind: list[list[Layer]]) -> Iterator[list[Layer]]:
    """What is done to each part alone."""
    for place, part in enumerate(behind):
        others = [each for other, many in enumerate(behind) if other != place for each in many]
        yield [each for each in part if each not in others]


def _said(evidence: Evidence, layer: Layer) -> Diagnosis:
    given, rank = layer.inputs[0], len(layer.inputs[0].shape)
    axes = evidence.axes_into(layer)
    held = next((axis for axis in range(1, rank) if is_all(axes[axis], Role.FEATURES)), rank - 1)
    better = -1 if held == rank - 1 else held
    name = axis_keywords(layer)[0]
    texts = dict.fromkeys((with_keywords(layer.source, f"{name}={better}"), along(layer.source, 0, rank, better)))
    edits = tuple(EditExpression(layer.source, each) for each in texts if each is not None and layer.source is not None)
    reason = (
        f"{place_text(layer)} cuts axis 0 of {shape_text(given)}, the batch, into {len(layer.outputs)} parts, and they "
        f"are used as different features: one part of the samples is put together with another. The "
        f"{given.shape[held]} features are on axis {held}; {layer.name} takes axis 0 unless it is told another."
    )
    said = finding_at(
        "SW646", layer, reason, fix=edits[0].replacement if edits else f"dim={better}", axis=0, axis_name="batch",
        expected=f"dim={better} ({given.shape[held]} features)", got=f"dim=0 ({given.shape[0]} samples)",
    )  # fmt: skip
    if any(layer.id in evidence.before(clash.layer_id) for clash in evidence.clashes):
        said = replace(said, severity=Severity.MISMATCH)
    return Diagnosis(said, edits)
