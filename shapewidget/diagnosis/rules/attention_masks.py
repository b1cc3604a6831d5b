"""Masks of attention that lie along the queries: a softmax over the keys takes no notice of them."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.chains import axis_argument, readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.loss_search import dims_of
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.diagnosis.written_loss import has_weights_behind
from shapewidget.graph.records import Layer, LayerKind, TensorSpec
from shapewidget.graph.remedies import EditExpression

_SOFTMAX = frozenset(("softmax", "Softmax"))
_HIDDEN = -1e3
"""What hides a score is below this."""

_MASK_PLACE = {"masked_fill": 1, "where": 0, "scaled_dot_product_attention": 3}


def mask_along_queries(evidence: Evidence) -> Iterator[Diagnosis]:
    """A mask that is the same for all keys: it fills whole rows of the scores, and no key is hidden."""
    for layer in evidence.graph.layers:
        place = _mask_place(evidence, layer)
        if place is None or layer.id in evidence.clash_at:
            continue
        mask = layer.inputs[place]
        scores = _scores(layer)
        is_square = len(scores) > 2 and scores[-1] == scores[-2] and layer.outputs
        if not is_square or not _lies_along(mask, layer, -2) or _lies_along(mask, layer, -1):
            continue
        if layer.name == "scaled_dot_product_attention" or _is_only_mask(evidence, layer):
            yield _said(layer, place)


def _mask_place(evidence: Evidence, layer: Layer) -> int | None:
    """Which input of a node is a mask that hides scores."""
    name = layer.name.rstrip("_")
    if name == "add":
        read = evidence.edges_into.get(layer.id, ())
        known = ((edge.input, evidence.masks.get((edge.source, edge.output))) for edge in read)
        return next((place for place, mask in known if mask is not None and mask.is_additive), None)
    value = layer.settings.get("2", layer.settings.get("value"))
    if name == "masked_fill" and isinstance(value, int | float) and value > _HIDDEN:
        return None
    place = _MASK_PLACE.get(name)
    return place if place is not None and place < len(layer.inputs) else None


def _scores(layer: Layer) -> tuple[object, ...]:
    if layer.name == "scaled_dot_product_attention":
        return (*dims_of(layer.inputs[0])[:-1], dims_of(layer.inputs[1])[-2])
    return tuple(dims_of(layer.outputs[0])) if layer.outputs else ()


def _lies_along(mask: TensorSpec, layer: Layer, axis: int) -> bool:
    return len(mask.shape) >= -axis and mask.shape[axis] > 1 and dims_of(mask)[axis] == _scores(layer)[axis]


def _is_only_mask(evidence: Evidence, layer: Layer) -> bool:
    """Whether a softmax over the keys reads the scores, and no other mask hides keys of them."""
    rank = len(layer.outputs[0].shape)
    reads = [reader for reader, _ in readers(evidence, layer) if reader.type in _SOFTMAX]
    if not any(axis_argument(reader) == rank - 1 for reader in reads):
        return False
    around = [each for reader in reads for each in _between(evidence, reader)]
    return not any(_hides_keys(evidence, each) for each in around if each != layer)


def _hides_keys(evidence: Evidence, layer: Layer) -> bool:
    """Whether an operation may hide keys: by a mask, or by numbers that are added and no layer gave."""
    place = _mask_place(evidence, layer)
    if place is None and layer.name.rstrip("_") == "add":
        plain = (at for at in range(len(layer.inputs)) if not has_weights_behind(evidence.graph, layer.id, at))
        place = next(plain, None)
    return place is not None and bool(layer.inputs[place].shape) and layer.inputs[place].shape[-1] > 1


def _between(evidence: Evidence, softmax: Layer) -> Iterator[Layer]:
    """The operations that the scores go through before the softmax, up to the product that makes them."""
    node = evidence.producer(softmax.id, 0)
    while node is not None and node.kind is LayerKind.OPERATION and node.name not in ("matmul", "bmm", "einsum"):
        yield node
        node = evidence.producer(node.id, 0)


def _said(layer: Layer, place: int) -> Diagnosis:
    mask = layer.inputs[place]
    shape, steps = shape_text(mask), mask.shape[-2]
    turned = "(" + ", ".join(map(str, (*mask.shape[:-2], 1, steps))) + ")"
    reason = (
        f"{place_text(layer)} masks scores of (queries, keys) = ({steps}, {steps}) with {shape}: it lies along axis "
        f"{len(mask.shape) - 2}, the {size_text(steps, dims_of(mask)[-2])} queries, and is the same for all keys. The "
        f"softmax over the keys takes no notice of it, so every step still attends to what the mask is to hide."
    )
    remedies = tuple(_turned(layer, place))
    said = finding_at(
        "SW615", layer, reason, fix=remedies[0].replacement if remedies else "mask.transpose(-2, -1)",
        axis=len(mask.shape) - 1, axis_name="keys", expected=turned, got=shape, input=place,
    )  # fmt: skip
    return Diagnosis(said, remedies)


def _turned(layer: Layer, place: int) -> Iterator[EditExpression]:
    operands = operands_of(layer)
    if operands is not None and len(operands) > place:
        yield operands.edit({place: f"{operands.text(place)}.transpose(-2, -1)"})
