"""Targets with their axes in another order than the outputs: a column meets a row, and both are repeated."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.loss_remedies import adapted_call
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.diagnosis.written_loss import ends_in_one_number, has_weights_behind
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import AdaptCall, Remedy
from shapewidget.graph.steps import Step

_BY_VALUE = frozenset(("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss"))
_BY_VALUE_TOO = frozenset(("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"))
_ON_THE_WAY = frozenset(("abs", "square", "pow", "mul"))
"""What a distance of each output from its own target is made of: distances of all pairs go through more."""

_CASTS = frozenset("float double to type half cpu detach clone contiguous".split())


def targets_turned(evidence: Evidence) -> Iterator[Diagnosis]:
    """Outputs (N, 1) and data (1, N) that no one has turned on purpose: each output is compared with every target."""
    for layer in evidence.graph.layers:
        if len(layer.inputs) < 2 or layer.id in evidence.clash_at or not _is_difference(evidence, layer):
            continue
        for place in (0, 1):
            axes = _turned(layer.inputs[place].shape, layer.inputs[1 - place].shape)
            is_of_model = has_weights_behind(evidence.graph, layer.id, 1 - place)
            if axes is not None and is_of_model and _is_data(evidence, layer, place):
                yield _said(evidence, layer, place, axes)


def _is_difference(evidence: Evidence, layer: Layer) -> bool:
    if layer.type in _BY_VALUE or layer.name in _BY_VALUE_TOO:
        return True
    is_sub = layer.kind is LayerKind.OPERATION and layer.name == "sub"
    return is_sub and ends_in_one_number(evidence.graph, layer.id, _ON_THE_WAY)


def _turned(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, int] | None:
    """The two axes that have changed places, where one of them has size 1."""
    if len(one) != len(other):
        return None
    differing = [axis for axis, (size, wanted) in enumerate(zip(one, other, strict=True)) if size != wanted]
    if len(differing) != 2:
        return None
    first, last = differing
    is_swapped = one[first] == other[last] and one[last] == other[first]
    return (first, last) if is_swapped and 1 in (one[first], one[last]) else None


def _is_data(evidence: Evidence, layer: Layer, place: int) -> bool:
    """Whether an operand comes as it is from outside: what the program has turned itself was meant to be turned."""
    made = evidence.producer(layer.id, place)
    while made is not None and made.name in _CASTS and made.inputs:
        made = evidence.producer(made.id, 0)
    return made is None or made.kind is LayerKind.INPUT


def _said(evidence: Evidence, layer: Layer, place: int, axes: tuple[int, int]) -> Diagnosis:
    turned, kept = layer.inputs[place], layer.inputs[1 - place]
    made = tuple(map(max, turned.shape, kept.shape))
    reason = (
        f"{place_text(layer)} compares {shape_text(kept)} of the model with the targets {shape_text(turned)}, whose "
        f"axes {axes[0]} and {axes[1]} have changed places, and repeats both to {made}: every output is compared with "
        "every target, instead of with its own."
    )
    remedies = tuple(_remedies(evidence, layer, place, axes))
    said = finding_at(
        "SW302", layer, reason, fix=f"give the targets the shape {kept.shape}", axis=axes[0], axis_name="batch",
        expected=kept.shape, got=turned.shape,
    )  # fmt: skip
    return Diagnosis(said, remedies)


def _remedies(evidence: Evidence, layer: Layer, place: int, axes: tuple[int, int]) -> Iterator[Remedy]:
    step = Step("transpose", axes)
    if layer.kind is LayerKind.LOSS:
        yield from adapted_call(evidence, layer, ((step,), ()) if place == 0 else ((), (step,)))
        return
    operands = operands_of(layer)
    if operands is not None and len(operands) == 2:
        yield operands.edit({place: f"{operands.text(place)}.transpose({axes[0]}, {axes[1]})"})
    if evidence.is_targets(evidence.producer(layer.id, place)):
        yield AdaptCall(targets=(step,))
