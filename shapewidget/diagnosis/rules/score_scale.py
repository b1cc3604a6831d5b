"""Scores of an attention that are divided by the square root of the length, where it is that of the width.

A score is a sum of as many products as a query has features, so its spread grows with their square root. In the
attention of channels to channels those products run over the steps, and the length is right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence, arguments_of_model
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Layer, LayerGraph, LayerKind

_PRODUCTS = frozenset(("matmul", "bmm", "einsum"))
_SOFTMAX = frozenset(("softmax", "Softmax"))
_ON_THE_WAY = frozenset("masked_fill add where mul div transpose permute contiguous float to".split())
_FARTHEST = 6


def scaled_by_length(evidence: Evidence) -> Iterator[Diagnosis]:
    """A number that is the square root of a length in every run, by which scores in front of a softmax are scaled."""
    for layer in evidence.graph.layers:
        value = _factor(layer)
        if layer.kind is not LayerKind.OPERATION or value is None or len(layer.inputs) != 1 or not evidence.others:
            continue
        product = _scores(evidence, layer)
        for axis in (-1, -2) if product is not None else ():
            if product is not None and _is_open(evidence, product, axis) and _is_length(evidence, layer, product, axis):
                yield _said(layer, product, axis)
                break


def _factor(layer: Layer) -> float | None:
    """The number that a tensor is divided by."""
    value, name = layer.settings.get("1", layer.settings.get("other")), layer.name.strip("_")
    if not isinstance(value, float) or value <= 0:
        return None
    return value if name in ("div", "truediv", "true_divide") else 1 / value if name == "mul" else None


def _scores(evidence: Evidence, layer: Layer) -> Layer | None:
    """The product that makes the scores which are scaled, before or behind it; None where no softmax reads them."""
    node = evidence.producer(layer.id, 0)
    while node is not None and node.kind is LayerKind.OPERATION and node.name in _ON_THE_WAY:
        node = evidence.producer(node.id, 0)
    if node is not None and node.name in _PRODUCTS:
        return node if _reaches(evidence, layer, _SOFTMAX) is not None else None
    product = _reaches(evidence, layer, _PRODUCTS)
    return product if product is not None and _reaches(evidence, product, _SOFTMAX) is not None else None


def _reaches(evidence: Evidence, layer: Layer, wanted: frozenset[str], steps: int = _FARTHEST) -> Layer | None:
    """The first node of some types that reads what a node gives, past masks and further scales."""
    for edge in evidence.edges_out.get(layer.id, ()) if steps else ():
        reader = evidence.layer(edge.target)
        if reader is not None and reader.type in wanted:
            return reader
        if reader is not None and reader.name.strip("_") in _ON_THE_WAY:
            found = _reaches(evidence, reader, wanted, steps - 1)
            if found is not None:
                return found
    return None


def _is_open(evidence: Evidence, product: Layer, axis: int) -> bool:
    """Whether an axis of the scores has a size that the data have, and the products do not run along it."""
    spec, dims = product.outputs[0], product.outputs[0].dims or ()
    if len(spec.shape) < 3 or len(dims) != len(spec.shape) or dims[axis].is_constant:
        return False
    return "B" not in dims[axis].names and not dims[axis].names & arguments_of_model(evidence)


def _is_length(evidence: Evidence, layer: Layer, product: Layer, axis: int) -> bool:
    """Whether the number is the square root of that axis in runs of several lengths."""
    lengths = set()
    graphs: list[LayerGraph] = [evidence.graph, *(run.graph for run in evidence.others if not run.clashes)]
    for graph in graphs:
        scaled, made = graph.by_id.get(layer.id), graph.by_id.get(product.id)
        value = _factor(scaled) if scaled is not None else None
        if made is None or value is None or not made.outputs or len(made.outputs[0].shape) < 2:
            return False
        length = made.outputs[0].shape[axis]
        if not math.isclose(value, math.sqrt(length), rel_tol=1e-6) or length == made.inputs[0].shape[-1]:
            return False
        lengths.add(length)
    return len(lengths) > 1


def _said(layer: Layer, product: Layer, axis: int) -> Diagnosis:
    scores, width = product.outputs[0], product.inputs[0].shape[-1]
    steps = size_text(scores.shape[axis], (scores.dims or ())[axis])
    does = "divides by" if layer.name.strip("_") != "mul" else "multiplies with the inverse of"
    power = "0.5" if layer.name.strip("_") != "mul" else "-0.5"
    operands = operands_of(layer)
    edits = (operands.edit({1: f"{width} ** {power}"}),) if operands is not None and len(operands) > 1 else ()
    reason = (
        f"{place_text(layer)} {does} the square root of {steps}, the number of steps. Every score of "
        f"{shape_text(scores)} is a sum of {width} products, one a feature, so it takes the square root of {width}: as "
        f"it is, the attention gets flatter with every step that a sequence is longer."
    )
    said = finding_at(
        "SW627", layer, reason, fix=edits[0].replacement if edits else f"scores / {width} ** 0.5", axis=None,
        axis_name="features", expected=f"sqrt({width}), the width", got=f"sqrt({scores.shape[axis]}), the length",
    )  # fmt: skip
    return Diagnosis(said, edits)
