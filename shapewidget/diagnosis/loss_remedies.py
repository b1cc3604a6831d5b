"""Changes of a loss's call that give it outputs and targets of matching shape."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from shapewidget.diagnosis.chains import maker
from shapewidget.diagnosis.evidence import Evidence, arguments_of_model
from shapewidget.diagnosis.expressions import receiver_of
from shapewidget.diagnosis.extent_remedies import extent_remedies
from shapewidget.diagnosis.loss_search import Adaptation, adaptations, dims_of, is_of_classes
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.rearrangements import broadcasts_into, rearranged
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import AdaptCall, EditExpression, Remedy, SetArgument, Together
from shapewidget.graph.steps import Step, written

_MOST = 6


def loss_remedies(evidence: Evidence, layer: Layer) -> tuple[Remedy, ...]:
    """What to hand to a loss instead, the likeliest first."""
    if len(layer.inputs) < 2:
        return ()
    outputs, targets = (dims_of(spec, arguments_of_model(evidence)) for spec in layer.inputs[:2])
    is_float = "float" in layer.inputs[1].dtype
    found = adaptations(outputs, targets, is_float=is_float, of_classes=is_of_classes(layer.type))
    return (
        *(remedy for each in islice(found, _MOST) for remedy in adapted_call(evidence, layer, each)),
        *extent_remedies(evidence, layer),
        *_steps_cut(evidence, layer),
        *_one_output(evidence, layer),
    )


def _steps_cut(evidence: Evidence, layer: Layer) -> Iterator[Remedy]:
    """The steps that have no target left out, where both were flattened before the loss."""
    flat = [evidence.producer(layer.id, place) for place in (0, 1)]
    made = [each for each in flat if each is not None and each.inputs and each.name in ("view", "reshape", "flatten")]
    samples, steps = zip(*((*each.inputs[0].shape[:2], 0, 0)[:2] for each in made), strict=True) if made else ((), ())
    if len(made) != 2 or samples[0] != samples[1] or not all(steps) or steps[0] == steps[1]:
        return
    longer = made[0] if steps[0] > steps[1] else made[1]
    missing, receiver = abs(steps[0] - steps[1]), receiver_of(longer.source, longer.name)
    if receiver is not None and longer.source is not None:
        expression = longer.source.expression or ""
        for items in (f"[:, :-{missing}]", f"[:, {missing}:]"):
            text = expression.replace(receiver, f"{receiver}{items}", 1).replace(".view(", ".reshape(")
            yield EditExpression(longer.source, text)


def _one_output(evidence: Evidence, layer: Layer) -> Iterator[Remedy]:
    """One output where a loss of yes and no is given one label a sample and several outputs."""
    outputs, targets = layer.inputs[:2]
    made = maker(evidence, layer)
    if made is None or ("binary" not in layer.type.lower() and "BCE" not in layer.type):
        return
    is_of_one = len(outputs.shape) == len(targets.shape) + 1 and outputs.shape[:-1] == targets.shape
    if is_of_one and outputs.shape[-1] > 1 and made[0].size("out_features") and made[0].path:
        for call in adapted_call(evidence, layer, ((Step("squeeze", (-1,)),), ())):
            if not isinstance(call, Together):
                yield Together((SetArgument(made[0].path, "out_features", 1), call))


def adapted_call(evidence: Evidence, layer: Layer, adaptation: Adaptation) -> Iterator[Remedy]:
    """The change in the user's own line where there is one, else at the call that is made for them."""
    outputs, targets = adaptation
    if not outputs and not targets:
        return
    producer = evidence.producer(layer.id, 1)
    if layer.parent is None and evidence.is_targets(producer):
        yield AdaptCall(outputs, targets)
        return
    operands = operands_of(layer)
    if operands is not None and len(operands) > 1:
        changes = {place: written(steps, operands.text(place)) for place, steps in enumerate(adaptation) if steps}
        yield operands.edit(changes)


def targets_moved(evidence: Evidence, layer: Layer) -> Iterator[Remedy]:
    """Other axes of the targets at the call of a loss written by hand, where one of its operations reads them."""
    for place in (0, 1):
        producer = evidence.producer(layer.id, place)
        if layer.kind is LayerKind.LOSS or producer is None or producer.id != "targets":
            continue
        wanted = dims_of(layer.inputs[1 - place])
        for steps in islice(rearranged(dims_of(layer.inputs[place]), len(wanted), broadcasts_into(wanted)), 2):
            yield AdaptCall(targets=steps)
