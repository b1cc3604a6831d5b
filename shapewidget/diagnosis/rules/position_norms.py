"""Batch normalisation of (batch, positions, features), which takes the axis behind the batch for its channels."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Role, is_all
from shapewidget.diagnosis.chains import readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.unordered import is_unordered
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument, Together

_PRODUCTS = frozenset(("matmul", "bmm", "einsum"))


def statistics_of_positions(evidence: Evidence) -> Iterator[Diagnosis]:
    """One mean for every step or node, where a layer has put the features on the last axis.

    Only where the program says what the axis in the middle is: it goes through it step by step, attends along it,
    brings nodes together by a matrix of nodes, looks up a vector for every id on it, or treats all that is on it alike
    and pools it.
    """
    for layer in evidence.graph.layers:
        shape = layer.inputs[0].shape if layer.inputs else ()
        if layer.type != "BatchNorm1d" or layer.id in evidence.clash_at or len(shape) != 3:
            continue
        axes = evidence.axes_into(layer)
        if is_all(axes[1], Role.FEATURES) or not _are_features(evidence, layer):
            continue
        if _has_positions(evidence, layer) or is_unordered(evidence, layer, 1):
            yield _said(layer)


def _are_features(evidence: Evidence, layer: Layer) -> bool:
    """Whether a layer has put features on the last axis, or is the first that reads it, for them."""
    axis = evidence.axes_into(layer)[2]
    if is_all(axis, Role.FEATURES):
        return True
    read = [each for each, _ in readers(evidence, layer) if each.size("in_features") == layer.inputs[0].shape[2]]
    return bool(read) and all(evidence.axes_into(each)[-1] == axis for each in read)


def _has_positions(evidence: Evidence, layer: Layer) -> bool:
    shape, before = layer.inputs[0].shape, evidence.before(layer.id)
    made = (it for it in evidence.graph.layers if it.id in before and it.outputs and it is not layer)
    return any(it.outputs[0].shape[:2] == shape[:2] and _takes_positions(it) for it in made)


def _takes_positions(layer: Layer) -> bool:
    """Whether a node can only take the axis behind the batch for positions."""
    rank, first = len(layer.outputs[0].shape), layer.inputs[0].shape if layer.inputs else ()
    if rank != 3 or not first:
        return False
    if layer.kind is LayerKind.LAYER:
        return layer.settings.get("batch_first") is True or (layer.type == "Embedding" and len(first) == 2)
    is_square = len(first) > 1 and first[-1] == first[-2] == layer.outputs[0].shape[1]
    return layer.name in _PRODUCTS and is_square and len(layer.inputs) == 2


def _said(layer: Layer) -> Diagnosis:
    shape = layer.inputs[0].shape
    turned = edit_turned(layer)
    remedies: tuple[Remedy, ...] = ()
    if turned is not None:
        wide = SetArgument(layer.path, "num_features", shape[2])
        remedies = (turned,) if shape[1] == shape[2] else (Together((wide, turned)),)
    said = finding_at(
        "SW613",
        layer,
        f"{place_text(layer)} takes axis 1 of {shape_text(layer.inputs[0])} for its channels: it keeps one mean and "
        f"one scale for each of the {shape[1]} positions, over the {shape[2]} features, which are its channels and "
        "stand on axis 2.",
        fix=f"{layer.type}({shape[2]}), with {turned.replacement}" if turned is not None else "x.transpose(1, 2)",
        axis=1,
        axis_name="channels",
        expected=f"{shape[2]} features",
        got=f"{shape[1]} positions",
    )
    return Diagnosis(said, remedies)


def edit_turned(layer: Layer) -> EditExpression | None:
    """The call of a layer with the axes behind the batch swapped before it, and back behind it."""
    operands = operands_of(layer)
    if operands is None or not len(operands) or layer.source is None:
        return None
    turned = operands.edit({0: f"{operands.text(0)}.transpose(1, 2)"})
    return EditExpression(turned.source, f"{turned.replacement}.transpose(1, 2)")
