"""Reshapes that cut axes at places inside one another, so that what comes out holds pieces of several.

To merge axes that follow one another, or to cut one in parts, keeps neighbours together. Anything else moves the
meaning of an axis without moving its values: channels are read as positions, halves of one patch stand beside halves of
another.
"""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Axes, Role, is_all, reshaped
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import method_call
from shapewidget.diagnosis.memory_order import transposition
from shapewidget.diagnosis.pieces import put_back_otherwise
from shapewidget.diagnosis.pixel_shuffles import shuffled
from shapewidget.diagnosis.rules.reshape import comes_from_weights, is_shift, moved
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression

_FEW = 2
"""Of two axes that are cut across each other, relative positions are shifted on purpose."""


def axes_torn(evidence: Evidence) -> Iterator[Diagnosis]:
    """A reshape of tensors of a model that keeps neither its features nor its positions together."""
    for layer_id, groups in evidence.tracing.torn.items():
        layer = evidence.layer(layer_id)
        if layer is None or layer_id in evidence.clash_at or comes_from_weights(evidence, layer):
            continue
        given, made, name = moved(evidence, layer)
        if name is not None or is_shift(given, made) or put_back_otherwise(evidence, layer) is not None:
            continue
        axes = evidence.axes_into(layer)
        wide = [[axis for axis in group if layer.inputs[0].shape[axis] > 1] for group, _ in groups]
        group = next((each for each in wide if len(each) > _FEW or _mixes_features(axes, each)), None)
        if group is not None:
            yield _said(layer, axes, group)


def _mixes_features(axes: Axes, group: list[int]) -> bool:
    return all(any(is_all(axes[axis], role) for axis in group) for role in (Role.FEATURES, Role.POSITIONS))


def _said(layer: Layer, axes: Axes, group: list[int]) -> Diagnosis:
    given, made = layer.inputs[0], layer.outputs[0]
    order = _order(layer, axes)
    swap = transposition(order) if order is not None else ""
    call = method_call(layer.source)
    text = ""
    if call is not None and call.name in ("view", "reshape") and swap:
        text = f"{call.receiver}.{swap}.reshape({', '.join(call.arguments)})"
    named = [f"axis {axis} ({given.shape[axis]}{_meaning(axes, axis)})" for axis in group]
    cut = f"{', '.join(named[:-1])} and {named[-1]}"
    reason = (
        f"{place_text(layer)} reads {shape_text(given)} as {shape_text(made)}: it cuts across {cut}, so that every row "
        f"of {made.shape[-1]} values behind it holds pieces of several. A {layer.type} moves no values"
        f"{f'; {swap} before it does' if swap else ''}."
    )
    said = finding_at(
        "SW601", layer, reason, fix=text or f"{swap or 'permute'} before the {layer.type}", axis=group[-1],
        axis_name="axis order", expected=swap or "transpose or permute", got=f"{layer.name}{made.shape}",
    )  # fmt: skip
    edit = EditExpression(layer.source, text) if text and layer.source is not None else shuffled(layer)
    return Diagnosis(said, (edit,) if edit is not None else ())


def _meaning(axes: Axes, axis: int) -> str:
    held = {part.role for part in axes[axis]}
    role = held.pop() if len(held) == 1 else None
    return f" {role.value}" if role is not None else ""


def _order(layer: Layer, axes: Axes) -> tuple[int, ...] | None:
    """The order that was asked for, or that with the features behind, if the reshape then keeps all together.

    Else it is open what was meant.
    """
    given, made = layer.inputs[0].shape, layer.outputs[0].shape
    if sorted(given) == sorted(made) and len(set(given)) == len(given):
        return tuple(given.index(size) for size in made)
    features = [axis for axis in range(len(given)) if is_all(axes[axis], Role.FEATURES)]
    features = features or [axis for axis in range(1, len(given)) if given[axis] == made[-1]]
    if len(features) != 1:
        return None
    order = (*(axis for axis in range(len(given)) if axis not in features), *features)
    after = reshaped([axes[at] for at in order], [given[at] for at in order], made, layer.id)
    return None if after.torn else order
