"""Gram matrices of a whole batch: feature maps whose samples were folded into the channels, times their own transpose.

For a batch of one that is the Gram matrix of its channels, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.batch_axis import BATCH
from shapewidget.diagnosis.chains import readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import receiver_of
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.rules.reshape import is_reshape
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression, Remedy, Together

_PRODUCTS = frozenset(("mm", "matmul"))
_TRANSPOSING = frozenset(("t", "T", "transpose", "swapaxes", "mT"))


def channels_of_all_samples(evidence: Evidence) -> Iterator[Diagnosis]:
    """A product of (batch x channels, positions) with its own transpose, whose rows are not told apart again."""
    for layer in evidence.graph.layers:
        if layer.name not in _PRODUCTS or [len(spec.shape) for spec in (*layer.inputs, *layer.outputs)] != [2, 2, 2]:
            continue
        turned = evidence.producer(layer.id, 1)
        if turned is None or turned.name not in _TRANSPOSING:
            continue
        folds, others = (_reshapes_before(evidence, *at) for at in ((layer, 0), (turned, 0)))
        if not folds or not others or _origin(evidence, folds[-1]) != _origin(evidence, others[-1]):
            continue
        if _folds_channels(folds[-1], layer) and not any(is_reshape(reader) for reader, _ in readers(evidence, layer)):
            yield _said(layer, folds)


def _reshapes_before(evidence: Evidence, layer: Layer, place: int) -> list[Layer]:
    """The reshapes that an input went through, the last of them first."""
    found: list[Layer] = []
    node = evidence.producer(layer.id, place)
    while node is not None and is_reshape(node):
        found.append(node)
        node = evidence.producer(node.id, 0)
    return found


def _origin(evidence: Evidence, layer: Layer) -> tuple[str, int] | None:
    edge = evidence.edge_into(layer.id, 0)
    return (edge.source, edge.output) if edge is not None else None


def _folds_channels(fold: Layer, product: Layer) -> bool:
    """Whether the rows of a product are the channels of all feature maps, (batch, channels, height, width)."""
    given, rows = fold.inputs[0], product.inputs[0].shape[0]
    if given.dims is None or len(given.shape) < 4 or given.dims[0] != BATCH or not given.dims[1].is_constant:
        return False
    return given.shape[0] > 1 and given.shape[1] > 1 and rows == given.shape[0] * given.shape[1]


def _said(layer: Layer, folds: list[Layer]) -> Diagnosis:
    fold, made = folds[-1], layer.outputs[0]
    samples, channels = fold.inputs[0].shape[:2]
    reason = (
        f"{place_text(fold)} folds the {samples} samples of {shape_text(fold.inputs[0])} into their {channels} "
        f"channels, {samples * channels} rows, and {place_text(layer)} multiplies every row with every other: "
        f"{shape_text(made)} holds products of channels of different samples. Each sample has a Gram matrix of its "
        f"own, {(samples, channels, channels)} for all."
    )
    remedies = tuple(_remedies(layer, folds))
    said = finding_at(
        "SW645", fold, reason, fix="x.flatten(2), and x @ x.transpose(1, 2)", axis=0, axis_name="batch",
        expected=(samples, channels, channels), got=made.shape,
    )  # fmt: skip
    return Diagnosis(said, remedies)


def _remedies(layer: Layer, folds: list[Layer]) -> Iterator[Remedy]:
    """The batch kept in front, and a product for each sample, where one reshape and one product make the matrix."""
    fold, operands = folds[0], operands_of(layer)
    receiver = receiver_of(fold.source, fold.name)
    if len(folds) > 1 or receiver is None or operands is None or len(operands) != 2:
        return
    one = operands.text(0)
    if fold.source is not None and layer.source is not None and operands.text(1).startswith(one + "."):
        product = EditExpression(layer.source, f"{one} @ {one}.transpose(1, 2)")
        yield Together((EditExpression(fold.source, f"{receiver}.flatten(2)"), product))
