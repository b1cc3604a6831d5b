"""Weights and masks that meet a loss which is one number already: they scale it as a whole, and weigh nothing."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import receiver_of, with_keywords
from shapewidget.diagnosis.loss_search import dims_of
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.diagnosis.written_loss import ends_in_one_number, has_weights_behind
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy

_REDUCTIONS = frozenset(("sum", "mean"))
_LINEAR = frozenset("add sub rsub mul div neg".split())
"""What a loss goes through on its way to the sum: behind anything else, the product is part of what is compared."""

_OF_NUMBERS = frozenset("mul div neg add sub rsub exp sqrt".split())


def weighted_after_reduction(evidence: Evidence) -> Iterator[Diagnosis]:
    """A product of one number, made of the values of all samples, with a weight for each of them."""
    for layer in evidence.graph.layers:
        if layer.name != "mul" or len(layer.inputs) != 2:
            continue
        number = next((place for place in (0, 1) if not layer.inputs[place].shape), None)
        if (
            number is None
            or not layer.inputs[1 - number].shape
            or not ends_in_one_number(evidence.graph, layer.id, _LINEAR)
        ):
            continue
        reduced = _reduced(evidence, layer, number)
        are_data = not has_weights_behind(evidence.graph, layer.id, 1 - number)
        if reduced is not None and are_data and _are_of_samples(layer, reduced, 1 - number):
            yield _said(layer, reduced, 1 - number)


def _reduced(evidence: Evidence, layer: Layer, place: int) -> Layer | None:
    """What made one number of what a model gave: a sum, a mean or a loss."""
    node = evidence.producer(layer.id, place)
    while node is not None and node.kind is LayerKind.OPERATION and node.name in _OF_NUMBERS:
        places = [at for at, spec in enumerate(node.inputs) if not spec.shape and evidence.edge_into(node.id, at)]
        node = evidence.producer(node.id, places[0]) if len(places) == 1 else None
    if node is None or not node.inputs or not (node.kind is LayerKind.LOSS or node.name in _REDUCTIONS):
        return None
    return node if node.inputs[0].shape and has_weights_behind(evidence.graph, node.id, 0) else None


def _are_of_samples(layer: Layer, reduced: Layer, place: int) -> bool:
    """Whether the weights have the first axes of what was reduced."""
    weights = dims_of(layer.inputs[place])
    given = [dims_of(spec) for spec in (reduced.inputs[:2] if reduced.kind is LayerKind.LOSS else reduced.inputs[:1])]
    return any(weights == dims[: len(weights)] for dims in given) and layer.inputs[place].shape[0] > 1


def _said(layer: Layer, reduced: Layer, place: int) -> Diagnosis:
    weights, given = layer.inputs[place], reduced.inputs[0]
    reason = (
        f"{place_text(reduced)} makes one number of {shape_text(given)}, and then `{layer.name}` multiplies it with "
        f"the weights or mask {shape_text(weights)}: every place gets the sum of all of them, and what the weights are "
        f"to leave out is still in it. Expected one value for each of {weights.shape}."
    )
    remedies = tuple(_remedies(reduced, len(weights.shape)))
    edit = remedies[0] if remedies else None
    fix = edit.replacement if isinstance(edit, EditExpression) else 'reduction="none", and the mean after the weights'
    said = finding_at(
        "SW307", reduced, reason, fix=fix, axis=len(weights.shape), axis_name="weights", expected=weights.shape,
        got=f"one number () of {given.shape}",
    )  # fmt: skip
    return Diagnosis(said, remedies)


def _remedies(reduced: Layer, rank: int) -> Iterator[Remedy]:
    source, missing = reduced.source, len(reduced.inputs[0].shape) - rank
    if source is None:
        return
    if reduced.kind is LayerKind.LOSS:
        text = with_keywords(source, 'reduction="none"') if reduced.name == reduced.type.lower() else None
    elif missing:
        dims = ", ".join(str(axis) for axis in range(-missing, 0))
        text = with_keywords(source, f"dim={dims}" if missing == 1 else f"dim=({dims})")
    else:
        text = receiver_of(source, reduced.name)
    if text is not None:
        yield EditExpression(source, text)
