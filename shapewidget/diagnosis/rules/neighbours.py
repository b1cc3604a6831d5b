"""Neighbours of the batch that are taken for neighbours in time: differences, shifts and rolls along the wrong axis.

Nothing is said where there is no other axis of time: the first may then be time itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Axes, Role, is_all
from shapewidget.diagnosis.batch_axis import is_in_doubt
from shapewidget.diagnosis.chains import index_items, maker
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import indexed, receiver_of
from shapewidget.diagnosis.loss_search import is_of_classes
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, Together

_SETTING_AGAINST = frozenset(("sub", "rsub", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"))
_LATER, _EARLIER = "1:", ":-1"


def shifted_along_batch(evidence: Evidence) -> Iterator[Diagnosis]:
    """All samples but the first set against all but the last, where the steps were to be."""
    for layer in evidence.graph.layers:
        is_class_loss = layer.kind is LayerKind.LOSS and is_of_classes(layer.type)
        if not (is_class_loss or layer.name.rstrip("_") in _SETTING_AGAINST) or len(layer.inputs) < 2:
            continue
        cuts = [_cut(evidence, layer, place) for place in (0, 1)]
        one, other = cuts
        if one is None or other is None or {index_items(one)[0], index_items(other)[0]} != {_LATER, _EARLIER}:
            continue
        if all(_is_of_samples_and_steps(evidence.axes_into(cut)) for cut in (one, other)) and not is_in_doubt(evidence):
            yield _shifted(layer, one, other)


def _cut(evidence: Evidence, layer: Layer, place: int) -> Layer | None:
    """The index that leaves out the first or the last of the first axis, and nothing of the others."""
    made = maker(evidence, layer, place)
    while made is not None and made[0].name in ("view", "reshape", "flatten"):
        made = maker(evidence, made[0])
    items = index_items(made[0]) if made is not None else ()
    is_cut = bool(items) and items[0] in (_LATER, _EARLIER) and all(item == ":" for item in items[1:])
    return made[0] if made is not None and is_cut else None


def _is_of_samples_and_steps(axes: Axes) -> bool:
    return len(axes) > 1 and is_all(axes[0], Role.BATCH) and is_all(axes[1], Role.POSITIONS)


def _shifted(layer: Layer, one: Layer, other: Layer) -> Diagnosis:
    given = one.inputs[0]
    edits = [edit for each in (one, other) for edit in _along_time(each)]
    remedies: tuple[Remedy, ...] = (Together(tuple(edits)),) if len(edits) == 2 else ()
    reason = (
        f"{place_text(layer)} sets {index_text(one)} of {shape_text(given)} against {index_text(other)} of "
        f"{shape_text(other.inputs[0])}: that shifts axis 0, the {given.shape[0]} samples, so that each meets its "
        f"neighbour in the batch. The {given.shape[1]} steps are on axis 1."
    )
    said = finding_at(
        "SW663", one, reason, fix="; ".join(edit.replacement for edit in edits) or "x[:, 1:] and x[:, :-1]", axis=0,
        axis_name="batch", expected=f"axis 1 ({given.shape[1]} steps)", got=f"axis 0 ({given.shape[0]} samples)",
    )  # fmt: skip
    return Diagnosis(said, remedies)


def index_text(layer: Layer) -> str:
    """What stands in the brackets."""
    return f"`[{', '.join(index_items(layer))}]`"


def _along_time(cut: Layer) -> Iterator[EditExpression]:
    tensor = indexed(cut.source)
    if tensor is not None and cut.source is not None:
        yield EditExpression(cut.source, f"{tensor}[:, {index_items(cut)[0]}]")


def rolled_through_all(evidence: Evidence) -> Iterator[Diagnosis]:
    """A roll that names no axis of a tensor of several: the last value of a row comes first in the next."""
    for layer in evidence.graph.layers:
        is_function = layer.kind is LayerKind.OPERATION and layer.name == "roll"  # and no layer of that name
        if not is_function or not layer.inputs or layer.settings.keys() & {"dims", "axis", "2"}:
            continue
        shape = layer.inputs[0].shape
        if sum(size > 1 for size in shape) > 1:
            yield _rolled(evidence, layer)


def _rolled(evidence: Evidence, layer: Layer) -> Diagnosis:
    given, axes = layer.inputs[0], evidence.axes_into(layer)
    time = next((place for place, axis in enumerate(axes) if is_all(axis, Role.POSITIONS)), None)
    receiver, shifts = receiver_of(layer.source, "roll"), layer.settings.get("1", layer.settings.get("shifts"))
    text = f"{receiver}.roll({shifts}, dims={time})" if receiver and time is not None else ""
    reason = (
        f"{place_text(layer)} names no axis: it rolls all values of {shape_text(given)} as one row, so that the last "
        f"of each of the {given.shape[0]} rows of axis 0 stands in the next one."
    )
    meant = f"dims={time} ({given.shape[time]} steps)" if time is not None else "an axis"
    said = finding_at(
        "SW663", layer, reason, fix=text or "roll(..., dims=1): name the axis", axis=time, axis_name="time",
        expected=meant, got=f"all axes of {given.shape}",
    )  # fmt: skip
    return Diagnosis(said, (EditExpression(layer.source, text),) if text and layer.source is not None else ())
