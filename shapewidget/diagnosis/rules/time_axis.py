"""Recurrent layers that give their last state only, or every step, where what is behind them asks otherwise.

What refuses is often two layers behind the one that has to be changed.
"""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Clash, ClashKind, Layer, LayerKind
from shapewidget.graph.remedies import SetArgument

SETTING = "return_sequences"


def time_axis_misplaced(evidence: Evidence) -> Iterator[Diagnosis]:
    """A clash whose cause is the setting of a recurrent layer before it."""
    for clash in evidence.clashes:
        cause, layer = recurrent_cause(evidence, clash), evidence.layer(clash.layer_id)
        if cause is not None and layer is not None:
            yield _diagnosis(clash, layer, cause)


def recurrent_cause(evidence: Evidence, clash: Clash) -> Layer | None:
    """The recurrent layer that has to give a time axis, or no longer; None where none explains the clash."""
    layer = evidence.layer(clash.layer_id)
    if layer is None:
        return None
    recurrent = _recurrent_before(evidence, layer)
    if recurrent is None or not recurrent.outputs:
        return None
    if layer.kind is LayerKind.LOSS:
        is_about_targets = clash.kind is ClashKind.SIZE and clash.input == 1
        return recurrent if is_about_targets and _is_of_time(layer, recurrent) else None
    gap = _gap(clash)
    return recurrent if gap and (gap > 0) != bool(recurrent.settings[SETTING]) else None


def _gap(clash: Clash) -> int:
    """1 where a layer misses an axis, -1 where it has one too many, else 0."""
    if clash.kind is not ClashKind.RANK or not isinstance(clash.expected, int) or not isinstance(clash.got, int):
        return 0
    gap = clash.expected - clash.got
    return gap if abs(gap) == 1 else 0


def _is_of_time(loss: Layer, recurrent: Layer) -> bool:
    """Whether targets and outputs would fit if the recurrent layer kept, or dropped, its steps."""
    is_sequence = bool(recurrent.inputs) and len(recurrent.inputs[0].shape) == 3
    if "takes" not in loss.settings or len(loss.inputs) < 2 or not is_sequence:
        return False
    outputs, targets, steps = loss.inputs[0].shape, loss.inputs[1].shape, recurrent.inputs[0].shape[1]
    if recurrent.settings[SETTING]:
        changed = (*outputs[:1], *outputs[2:])
    else:
        changed = (*outputs[:1], steps, *outputs[1:])
    wanted = changed[:-1] if loss.settings["takes"] == "class ids" else changed
    return targets in (wanted, (*wanted, 1)) and len(outputs) > 1


def _recurrent_before(evidence: Evidence, layer: Layer) -> Layer | None:
    """The nearest recurrent layer before a node, past layers that keep the number of axes."""
    node = evidence.producer(layer.id, 0)
    while node is not None and node.kind is not LayerKind.INPUT:
        if SETTING in node.settings:
            return node
        if not node.inputs or not node.outputs or len(node.inputs[0].shape) != len(node.outputs[0].shape):
            return None
        node = evidence.producer(node.id, 0)
    return None


def _diagnosis(clash: Clash, layer: Layer, cause: Layer) -> Diagnosis:
    keeps = bool(cause.settings[SETTING])
    given = layer.inputs[0]
    if layer.kind is LayerKind.LOSS:
        targets, outputs = layer.inputs[1].shape, given.shape
        steps = cause.inputs[0].shape[1]
        wanted = (*outputs[:1], *outputs[2:]) if keeps else (*outputs[:1], steps, *outputs[1:])
        need = f"and {place_text(layer)} compares it with targets {targets}"
        expected: object = wanted
        got: object = outputs
    else:
        need = f"but {place_text(layer)} takes {clash.expected} axes and is given {shape_text(given)}"
        expected, got = clash.expected, clash.got
    does = "keeps every step" if keeps else "gives its last state only, with no time axis"
    reason = (
        f"{place_text(cause)} has {SETTING}={keeps}, so it {does}: {shape_text(cause.inputs[0])} becomes "
        f"{shape_text(cause.outputs[0])}, {need}."
    )
    return Diagnosis(
        finding_at(
            "SW112",
            cause,
            reason,
            fix=f"{cause.type}(..., {SETTING}={not keeps}, name={cause.name!r})",
            axis=1,
            axis_name="time",
            expected=expected,
            got=got,
        ),
        (SetArgument(cause.path, SETTING, not keeps),),
    )
