"""Attention whose heads were split off the features and never brought to the front: it runs over the heads."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.chains import axis_argument, maker, readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.loss_search import dims_of
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression, Remedy, Together

_SPLITS = frozenset(("view", "reshape", "unflatten"))
_SWAPS = frozenset(("transpose", "swapaxes", "mT"))


def attention_over_heads(evidence: Evidence) -> Iterator[Diagnosis]:
    """Queries and keys (batch, steps, heads, size) that meet as they are, so that heads attend to heads."""
    for layer in evidence.graph.layers:
        if layer.id in evidence.clash_at or len(layer.inputs) < 2 or len(layer.inputs[0].shape) != 4:
            continue
        if layer.name == "scaled_dot_product_attention":
            splits = [_split(evidence, layer, place) for place in range(3)]
            if all(splits):
                yield _said(layer, tuple(_swapped(layer)))
        elif layer.name == "matmul":
            after = _summed(evidence, layer)
            splits = [_split(evidence, layer, 0), _split(evidence, layer, 1, swapped=True)]
            splits += [_split(evidence, after, 1)] if after is not None else [None]
            if all(splits) and after is not None:
                yield _said(layer, tuple(_swapped_at_the_views([it for it in splits if it], after)))


def _split(evidence: Evidence, layer: Layer, place: int, *, swapped: bool = False) -> Layer | None:
    """The view that split (batch, steps, features) into (batch, steps, heads, size) and is read as it is."""
    made = maker(evidence, layer, place)
    if made is not None and swapped:
        made = maker(evidence, made[0]) if made[0].name in _SWAPS else None
    if made is None or made[0].name not in _SPLITS or not made[0].outputs:
        return None
    given, dims = dims_of(made[0].inputs[0]), dims_of(made[0].outputs[0])
    is_split = len(given) == 3 and len(dims) == 4 and given[:2] == dims[:2] and made[0].outputs[0].shape[2] > 1
    return made[0] if is_split else None


def _summed(evidence: Evidence, scores: Layer) -> Layer | None:
    """The product of the attention weights with the values, behind a softmax of the scores along the last axis."""
    rank = len(scores.outputs[0].shape) if scores.outputs else 0
    waiting, seen = [scores], {scores.id}
    while waiting:
        for reader, place in readers(evidence, waiting.pop(0)):
            if reader.type in ("softmax", "Softmax") and axis_argument(reader) == rank - 1:
                products = [each for each, at in readers(evidence, reader) if each.name == "matmul" and at == 0]
                return products[0] if products else None
            if reader.name in ("mul", "div") and place == 0 and reader.id not in seen:
                seen.add(reader.id)
                waiting.append(reader)
    return None


def _said(layer: Layer, remedies: tuple[Remedy, ...]) -> Diagnosis:
    queries = layer.inputs[0]
    steps, heads = size_text(queries.shape[1], dims_of(queries)[1]), queries.shape[2]
    reason = (
        f"{place_text(layer)} attends along axis 2 of the queries {shape_text(queries)}, which holds the {heads} heads "
        f"that were split off the features: each of the {steps} steps looks at itself alone, and its heads at one "
        f"another. The heads have to come before the steps."
    )
    swapped = (queries.shape[0], heads, queries.shape[1], queries.shape[3])
    said = finding_at(
        "SW617", layer, reason, fix=".view(...).transpose(1, 2) for queries, keys and values, and back behind it",
        axis=2, axis_name="heads", expected=swapped, got=queries.shape,
    )  # fmt: skip
    return Diagnosis(said, remedies)


def _swapped(layer: Layer) -> Iterator[EditExpression]:
    operands, swap = operands_of(layer), ".transpose(1, 2)"
    if operands is not None and len(operands) > 2:
        edit = operands.edit({place: f"{operands.text(place)}{swap}" for place in range(3)})
        yield EditExpression(edit.source, f"{edit.replacement}{swap}")


def _swapped_at_the_views(splits: list[Layer], product: Layer) -> Iterator[Remedy]:
    sources = {str(each.source): each.source for each in splits}
    last = product.source
    if last is None or last.expression is None or not all(each and each.expression for each in sources.values()):
        return
    edits = [EditExpression(each, f"{each.expression}.transpose(1, 2)") for each in sources.values() if each]
    yield Together((*edits, EditExpression(last, f"({last.expression}).transpose(1, 2)")))
