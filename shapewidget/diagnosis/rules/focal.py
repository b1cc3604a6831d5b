"""Losses that weigh every sample by its own loss, made of a loss that is averaged already."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import call_of
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument, Together

_NUMBERS = frozenset("neg rsub sub add pow mul exp div clamp".split())
_FARTHEST = 8


def weighted_by_the_mean(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss of one number, multiplied by a weight that is its own exponential: that is one weight for all samples."""
    for layer in evidence.graph.layers:
        if layer.name.rstrip("_") != "mul" or len(layer.inputs) != 2 or any(spec.shape for spec in layer.inputs):
            continue
        ways = [_way_back(evidence, layer, place) for place in (0, 1)]
        ends = [way[-1] if way else None for way in ways]
        loss = ends[0]
        if loss is None or ends[1] is None or loss.id != ends[1].id or not _is_mean(loss):
            continue
        if any(node.name == "exp" for way in ways for node in way):
            yield _said(layer, loss, evidence)


def _way_back(evidence: Evidence, layer: Layer, place: int) -> list[Layer]:
    """The nodes that make one number of another, the nearest first, up to what made the first of them."""
    found: list[Layer] = []
    node = evidence.producer(layer.id, place)
    while node is not None and len(found) < _FARTHEST:
        found.append(node)
        if node.kind is not LayerKind.OPERATION or node.name not in _NUMBERS or len(node.inputs) != 1:
            return found
        node = evidence.producer(node.id, 0)
    return []


def _is_mean(loss: Layer) -> bool:
    """Whether a node makes one number of the losses of several samples."""
    is_loss = loss.kind is LayerKind.LOSS or loss.name in ("mean", "sum")
    return is_loss and bool(loss.inputs) and loss.inputs[0].shape[:1] > (1,) and loss.outputs[0].shape == ()


def _said(layer: Layer, loss: Layer, evidence: Evidence) -> Diagnosis:
    given = loss.inputs[0]
    wanted = given.shape[:1] if loss.kind is LayerKind.LOSS else given.shape
    remedies = tuple(_remedies(evidence, layer, loss))
    reason = (
        f"{place_text(loss)} makes one number () of {shape_text(given)}, and `{layer.name}` multiplies it with a "
        f"weight that is made of the same number: one weight for all {given.shape[0]} samples, so that hard samples "
        f"weigh no more than easy ones. The weight of a sample takes its own loss, {wanted}."
    )
    said = finding_at(
        "SW307", loss, reason, fix='reduction="none", and the mean behind the weights', axis=0, axis_name="batch",
        expected=wanted, got=loss.outputs[0].shape,
    )  # fmt: skip
    return Diagnosis(said, remedies)


def _remedies(evidence: Evidence, layer: Layer, loss: Layer) -> Iterator[Remedy]:
    whole, source = _averaged(evidence, layer), loss.source
    call = call_of(source)
    if loss.kind is not LayerKind.LOSS or source is None or call is None:
        return
    if loss.path and loss.type[0].isupper():
        first: SetArgument | EditExpression = SetArgument(loss.path, "reduction", "none")
    elif loss.type[0].islower():
        others = [each for each in call.keywords if each.arg not in ("reduction", "size_average", "reduce")]
        named = [*others, ast.keyword("reduction", ast.Constant("none"))]
        first = EditExpression(source, ast.unparse(ast.Call(call.func, call.args, named)))
    else:
        return
    yield first if whole is None else Together((first, whole))


def _averaged(evidence: Evidence, layer: Layer) -> EditExpression | None:
    """The product with a mean behind it, unless one is there."""
    behind = [evidence.layer(edge.target) for edge in evidence.edges_out.get(layer.id, ())]
    if any(node is not None and node.name in ("mean", "sum") for node in behind) or layer.source is None:
        return None
    return EditExpression(layer.source, f"({layer.source.expression}).mean()")
