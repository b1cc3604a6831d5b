"""Changes of a loss's call that give it outputs and targets of matching shape."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.loss_search import Adaptation, adaptations, dims_of, is_of_classes
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import AdaptCall, Remedy
from shapewidget.graph.steps import written

_MOST = 6


def loss_remedies(evidence: Evidence, layer: Layer) -> tuple[Remedy, ...]:
    """What to hand to a loss instead, the likeliest first."""
    if len(layer.inputs) < 2:
        return ()
    outputs, targets = (dims_of(spec, arguments_of_model(evidence)) for spec in layer.inputs[:2])
    is_float = "float" in layer.inputs[1].dtype
    found = adaptations(outputs, targets, is_float=is_float, of_classes=is_of_classes(layer.type))
    return tuple(remedy for each in islice(found, _MOST) for remedy in _at(evidence, layer, each))


def arguments_of_model(evidence: Evidence) -> frozenset[str]:
    """The named sizes that are arguments of the model's constructor, and no axes of its inputs."""
    return frozenset(name for name, meaning in evidence.meanings.items() if meaning.startswith("argument of "))


def _at(evidence: Evidence, layer: Layer, adaptation: Adaptation) -> Iterator[Remedy]:
    """The change in the user's own line where there is one, else at the call that is made for them."""
    outputs, targets = adaptation
    if not outputs and not targets:
        return
    producer = evidence.producer(layer.id, 1)
    if layer.parent is None and producer is not None and producer.id.startswith("targets"):
        yield AdaptCall(outputs, targets)
        return
    operands = operands_of(layer)
    if operands is not None and len(operands) > 1:
        changes = {place: written(steps, operands.text(place)) for place, steps in enumerate(adaptation) if steps}
        yield operands.edit(changes)
