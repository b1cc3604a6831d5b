"""Products of two tensors that sum over the samples too: one number for a batch, where each sample has its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.batch_axis import BATCH, has_batch
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import call_of
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression

_PRODUCTS = frozenset("matmul tensordot dot vdot inner".split())
_OF_NUMBERS = frozenset("reshape squeeze view sigmoid tanh mul div".split())
_ADDING = frozenset(("add", "sub"))


def summed_over_samples(evidence: Evidence) -> Iterator[Diagnosis]:
    """A product over samples and features at once, of two tensors of a batch, which every sample is given.

    It is added to a number of each of them, or is all that a model has for the targets of its samples.
    """
    for layer in evidence.graph.layers:
        if layer.name not in _PRODUCTS or len(layer.inputs) != 2 or not layer.outputs or layer.id in evidence.clash_at:
            continue
        is_number = all(size == 1 for size in layer.outputs[0].shape)
        pair = [_rows(evidence, layer, place) for place in (0, 1)]
        if is_number and pair[0] is not None and pair[0] == pair[1] and _is_given_to_samples(evidence, layer):
            yield _said(layer, pair[0])


def _rows(evidence: Evidence, layer: Layer, place: int) -> tuple[int, int] | None:
    """Samples and features of an operand, of which a reshape may have made one axis."""
    node, spec = evidence.producer(layer.id, place), layer.inputs[place]
    if node is not None and node.name in ("reshape", "transpose") and node.source == layer.source and node.inputs:
        spec = node.inputs[0]
    if spec.dims is None or len(spec.dims) != 2 or spec.dims[0] != BATCH or spec.shape[0] < 2 or spec.shape[1] < 2:
        return None
    return spec.shape[0], spec.shape[1]


def _is_given_to_samples(evidence: Evidence, layer: Layer) -> bool:
    for edge in evidence.edges_out.get(layer.id, ()):
        reader = evidence.layer(edge.target)
        if reader is None:
            continue
        rows = [spec for place, spec in enumerate(reader.inputs) if place != edge.input and has_batch(spec)]
        if reader.name in _ADDING and rows and all(spec.shape[1:] in ((), (1,)) for spec in rows):
            return True
        if reader.kind is LayerKind.LOSS and rows:
            return True
        if reader.name in _OF_NUMBERS and _is_given_to_samples(evidence, reader):
            return True
    return False


def _said(layer: Layer, rows: tuple[int, int]) -> Diagnosis:
    samples, features = rows
    text, call = _by_sample(layer), call_of(layer.source)
    if call is not None and isinstance(call.func, ast.Attribute):
        layer = replace(layer, name=call.func.attr)  # a tensordot is a product of matrices within TensorFlow
    reason = (
        f"{place_text(layer)} multiplies two tensors {rows} and sums over the {size_text(samples, BATCH)} samples as "
        f"well as their {features} features: {shape_text(layer.outputs[0])}, one number, which every sample is given. "
        f"Expected one for each sample, {(samples, 1)}."
    )
    said = finding_at(
        "SW603", layer, reason, fix=text or "sum(a * b) along the features alone", axis=0, axis_name="batch",
        expected=(samples, 1), got=layer.outputs[0].shape,
    )  # fmt: skip
    return Diagnosis(said, (EditExpression(layer.source, text),) if text and layer.source is not None else ())


def _by_sample(layer: Layer) -> str:
    """``tf.reduce_sum(a * b, axis=-1, keepdims=True)`` for ``tf.tensordot(a, b, 2)``."""
    call = call_of(layer.source)
    if call is None or len(call.args) < 2 or not isinstance(call.func, ast.Attribute) or call.func.attr != "tensordot":
        return ""
    owner = ast.unparse(call.func.value)
    one, other = (ast.unparse(each) for each in call.args[:2])
    if owner == "torch":
        return f"({one} * {other}).sum(-1, keepdim=True)"
    return f"{owner}.{'reduce_sum' if owner == 'tf' else 'sum'}({one} * {other}, axis=-1, keepdims=True)"
