"""Attention written by hand in which the samples attend to one another, step by step, and no step to another step."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.batch_axis import BATCH, TIME, is_certain
from shapewidget.diagnosis.chains import axis_argument
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import call_of
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Layer, LayerKind, TensorSpec
from shapewidget.graph.remedies import EditExpression, Together

_SOFTMAX = frozenset(("softmax", "Softmax"))
_PRODUCTS = frozenset(("matmul", "bmm", "einsum"))
_ON_THE_WAY = frozenset("masked_fill add where mul div contiguous float to".split())


def samples_attend(evidence: Evidence) -> Iterator[Diagnosis]:
    """Scores (time, batch, batch) in front of a softmax: a number for every pair of samples at each step."""
    if not is_certain(evidence):
        return
    for layer in evidence.graph.layers:
        dims = layer.inputs[0].dims if layer.inputs else None
        if layer.type not in _SOFTMAX or dims is None or dims[-2:] != (BATCH, BATCH) or TIME not in dims[:-2]:
            continue
        product = _product(evidence, layer)
        if product is not None and axis_argument(layer) in (len(dims) - 1, len(dims) - 2):
            yield _said(evidence, product)


def _product(evidence: Evidence, softmax: Layer) -> Layer | None:
    """The product that makes the scores of a softmax."""
    node = evidence.producer(softmax.id, 0)
    while node is not None and node.kind is LayerKind.OPERATION and node.name in _ON_THE_WAY:
        node = evidence.producer(node.id, 0)
    return node if node is not None and node.name in _PRODUCTS else None


def _said(evidence: Evidence, product: Layer) -> Diagnosis:
    scores = product.outputs[0]
    axis = len(scores.shape) - 1
    samples = size_text(scores.shape[axis], BATCH)
    steps = scores.shape[(scores.dims or ()).index(TIME)]
    edits = [edit for each in evidence.graph.layers for edit in _batch_first(each)]
    reason = (
        f"{place_text(product)} gives the scores {shape_text(scores)}, a number for every pair of the {samples} "
        f"samples at each of the {size_text(steps, TIME)} steps: each sample attends to the other samples, and no step "
        f"to another step. Scores of steps are (B, T, T)."
    )
    said = finding_at(
        "SW603", product, reason, fix="; ".join(edit.replacement for edit in edits) or "x.transpose(0, 1) before it",
        axis=axis, axis_name="batch", expected=f"({samples}, {steps}, {steps}), of pairs of steps",
        got=shape_text(scores),
    )  # fmt: skip
    return Diagnosis(said, (Together(tuple(edits)),) if edits else ())


def _batch_first(layer: Layer) -> Iterator[EditExpression]:
    """An einsum whose letters name the batch first, where they name the steps first."""
    letters, call = layer.settings.get("0"), call_of(layer.source)
    if layer.name != "einsum" or not isinstance(letters, str) or call is None or layer.source is None:
        return
    terms, _, made = letters.replace(" ", "").partition("->")
    specs = [*layer.inputs, *layer.outputs]
    turned = [_turned(term, spec) for term, spec in zip((*terms.split(","), made), specs, strict=False)]
    text = f"{','.join(turned[:-1])}->{turned[-1]}"
    if made and layer.source.expression is not None and letters in layer.source.expression:
        yield EditExpression(layer.source, layer.source.expression.replace(letters, text, 1))


def _turned(term: str, spec: TensorSpec) -> str:
    return f"{term[1]}{term[0]}{term[2:]}" if (spec.dims or ())[:2] == (BATCH, TIME) else term
