"""Losses and features of which the padding is taken out by a mask, and which are then averaged over the padding too."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from dataclasses import replace

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_remedies import axis_keywords, reduced_axes
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import call_of, operands_of
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression

_COMPARISONS = frozenset("ne not_equal gt greater".split())
_PASSING = frozenset("cast to float type astype reshape expand_dims unsqueeze index".split())
_STEPWISE = "crossentropy"
_SPARSE = "sparse"
"""Keras casts class ids to floats for its losses, which say by their name that they take them."""


def padding_counted_in_mean(evidence: Evidence) -> Iterator[Diagnosis]:
    """A mean of losses of every step times a mask of the targets: it divides by the padded steps as well."""
    for layer in evidence.graph.layers:
        if layer.name != "mean" or not layer.inputs or len(reduced_axes(layer)) != len(layer.inputs[0].shape):
            continue
        product = _product(evidence, layer)
        if product is None or product.inputs[0].shape != product.inputs[1].shape:
            continue
        for place in (0, 1):
            loss, compared = evidence.producer(product.id, place), _comparison(evidence, product, 1 - place)
            if loss is not None and compared is not None and _is_of_steps(loss):
                if _source(evidence, loss, 1) == _source(evidence, compared, 0) is not None:
                    yield _said(layer, product, loss, 1 - place)


def padding_counted_in_pooling(evidence: Evidence) -> Iterator[Diagnosis]:
    """A mean over the steps of features times a mask of ids: it divides by the padded steps as well."""
    for layer in evidence.graph.layers:
        if layer.name != "mean" or not layer.inputs or reduced_axes(layer) != (1,) or len(layer.inputs[0].shape) != 3:
            continue
        product = _product(evidence, layer)
        if product is None:
            continue
        for place in (0, 1):
            features, mask = product.inputs[place].shape, product.inputs[1 - place].shape
            compared = _comparison(evidence, product, 1 - place)
            is_of_ids = compared is not None and not compared.inputs[0].dtype.startswith("float")
            if is_of_ids and mask == (*features[:2], 1) and len(features) == 3:
                yield _of_features(layer, product, 1 - place)


def _product(evidence: Evidence, layer: Layer) -> Layer | None:
    """The product that a mean is taken of, unless something divides that mean again."""
    product = evidence.producer(layer.id, 0)
    if product is None or product.name != "mul" or len(product.inputs) != 2 or _is_divided(evidence, layer):
        return None
    return product if len(product.inputs[0].shape) > 1 else None


def _of_features(layer: Layer, product: Layer, mask: int) -> Diagnosis:
    given, operands, call = layer.inputs[0], operands_of(product), call_of(layer.source)
    text = ""
    if operands is not None and len(operands) > mask and call is not None and layer.parent == product.parent:
        if isinstance(call.func, ast.Attribute) and axis_keywords(layer)[0] == "axis" and "mean" in call.func.attr:
            total = f"{ast.unparse(call.func.value)}.{call.func.attr.replace('mean', 'sum')}"
            text = f"{total}({ast.unparse(call.args[0])}, axis=1) / {total}({operands.text(mask)}, axis=1)"
    steps = given.shape[1]
    reason = (
        f"{place_text(layer)} averages {shape_text(given)} over all {steps} steps. `{product.name}` has set those to "
        f"zero that a mask leaves out, but they are counted: the result is the smaller the longer the longest sequence "
        f"of the batch is. Expected the sum divided by the number of steps that the mask keeps."
    )
    return _told(layer, reason, text, "sum(x * mask, axis=1) / sum(mask, axis=1)", str(steps))


def _is_of_steps(loss: Layer) -> bool:
    """Whether it gives one loss for every step, of class ids."""
    name = loss.type.lower().replace("_", "")
    is_of_ids = len(loss.inputs) > 1 and (not loss.inputs[1].dtype.startswith("float") or _SPARSE in name)
    is_loss = loss.kind is LayerKind.LOSS or "softmax" in name or _STEPWISE in name
    return is_loss and is_of_ids and loss.inputs[1].shape in [spec.shape for spec in loss.outputs]


def _comparison(evidence: Evidence, layer: Layer, place: int) -> Layer | None:
    """What made a mask: a comparison with a number."""
    node = evidence.producer(layer.id, place)
    while node is not None and node.name.rstrip("_") in _PASSING:
        node = evidence.producer(node.id, 0)
    is_with_number = node is not None and bool(node.inputs) and all(not spec.shape for spec in node.inputs[1:])
    return node if node is not None and node.name in _COMPARISONS and is_with_number else None


def _source(evidence: Evidence, layer: Layer, place: int) -> tuple[str, int] | None:
    edge = evidence.edge_into(layer.id, place)
    return (edge.source, edge.output) if edge is not None else None


def _is_divided(evidence: Evidence, layer: Layer) -> bool:
    """Whether the mean is divided by something after all, as by the mean of the mask."""
    readers = [evidence.graph.by_id[edge.target] for edge in evidence.edges_out.get(layer.id, ())]
    return any(each.name in ("div", "divide", "div_no_nan", "mul") for each in readers)


def _said(layer: Layer, product: Layer, loss: Layer, mask: int) -> Diagnosis:
    given = layer.inputs[0]
    count = f"{' x '.join(map(str, given.shape))} = {math.prod(given.shape)}"
    text = _over_the_mask(layer, product, mask)
    reason = (
        f"{place_text(layer)} averages {shape_text(given)} over all {count} steps. `{product.name}` has set the losses "
        f"of `{loss.name}` to zero where the targets are padding, but they are counted: the loss is the smaller the "
        f"more padding a batch has. Expected the sum divided by the number of steps that the mask keeps."
    )
    told = _told(layer, reason, text, "sum(loss * mask) / sum(mask)", count)
    return replace(told, finding=replace(told.finding, where="loss"))


def _told(layer: Layer, reason: str, text: str, example: str, steps: str) -> Diagnosis:
    """The mean over all those steps, with the expression to write in its place, "" for an example of one."""
    said = finding_at(
        "SW665", layer, reason, fix=text or example, axis=1, axis_name="time",
        expected="the steps that the mask keeps", got=f"all {steps} steps",
    )  # fmt: skip
    return Diagnosis(said, (EditExpression(layer.source, text),) if text and layer.source is not None else ())


def _over_the_mask(layer: Layer, product: Layer, mask: int) -> str:
    """The sum over the sum of the mask, where one expression averages the product."""
    call, operands = call_of(layer.source), operands_of(product)
    if call is None or not isinstance(call.func, ast.Attribute) or axis_keywords(layer)[0] != "axis":
        return ""
    if len(call.args) != 1 or call.keywords or "mean" not in call.func.attr:
        return ""
    match call.args[0]:
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            masks = ast.unparse((left, right)[mask])
        case ast.Name() if operands is not None and len(operands) > mask and layer.parent == product.parent:
            masks = operands.text(mask)
        case _:
            return ""
    total = f"{ast.unparse(call.func.value)}.{call.func.attr.replace('mean', 'sum')}"
    return f"{total}({ast.unparse(call.args[0])}) / {total}({masks})"
