"""Heads that a view splits off the features into the batch, or merges back, with no swap between.

``(batch, n, heads * size)`` read as ``(batch * heads, n, size)`` has the right shape, and each of its rows holds all
heads of a few positions in place of one head of all. Where the positions are a named size, the sizes tell; here their
number is fixed, and it tells that the result is multiplied position by position.
"""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Role, is_all
from shapewidget.diagnosis.chains import readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.rules.reshape import comes_from_weights, heads_and_batch, is_reshape, moved
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression, Remedy, Together

_PRODUCTS = frozenset(("matmul", "bmm", "baddbmm", "einsum", "scaled_dot_product_attention"))
_HANDED_ON = frozenset(("transpose", "permute", "mT", "mul", "div", "contiguous", "softmax", "Dropout", "dropout"))
_ALIKE = 3


def heads_over_positions(evidence: Evidence) -> Iterator[Diagnosis]:
    """Attention whose heads are split off by a view of the batch: a head is given some positions in place of all."""
    found: dict[str, list[Layer]] = {}
    for layer in evidence.graph.layers:
        if is_reshape(layer) and layer.id not in evidence.clash_at and _is_wrong(evidence, layer):
            found.setdefault(layer.path, []).append(layer)
    for layers in found.values():
        yield _said(layers)


def _is_wrong(evidence: Evidence, layer: Layer) -> bool:
    given, made = layer.inputs[0].shape, layer.outputs[0].shape
    if len(given) != _ALIKE or len(made) != _ALIKE or given[1] != made[1] or given[1] == 1:
        return False
    if moved(evidence, layer)[2] is not None or comes_from_weights(evidence, layer):
        return False
    few, many = sorted((given[0], made[0]))
    if not 0 < few < many or given[2] * given[0] != made[0] * made[2] or many == few * made[1]:
        return False  # of as many heads as positions, the rows may be the positions themselves
    if made[0] == many:
        return is_all(evidence.axes_into(layer)[2], Role.FEATURES) and _is_multiplied(evidence, layer)
    return _is_product(evidence, layer)


def _is_multiplied(evidence: Evidence, layer: Layer) -> bool:
    """Whether a product reads it, in its order or turned."""
    waiting, seen = [layer], {layer.id}
    while waiting:
        for reader, _ in readers(evidence, waiting.pop()):
            if reader.name in _PRODUCTS:
                return True
            if reader.name in _HANDED_ON and reader.id not in seen:
                seen.add(reader.id)
                waiting.append(reader)
    return False


def _is_product(evidence: Evidence, layer: Layer) -> bool:
    """Whether a product of matrices gives it, of two tensors that come from data."""
    made = evidence.producer(layer.id, 0)
    while made is not None and made.name == "contiguous":
        made = evidence.producer(made.id, 0)
    return made is not None and made.name in _PRODUCTS and len(evidence.edges_into.get(made.id, ())) > 1


def _said(layers: list[Layer]) -> Diagnosis:
    layer = layers[0]
    given, made = layer.inputs[0], layer.outputs[0]
    edits = dict.fromkeys(
        edit for each in layers for edit in heads_and_batch(each)[1] if isinstance(edit, EditExpression)
    )
    heads = max(given.shape[0], made.shape[0]) // min(given.shape[0], made.shape[0])
    what = f"splits {heads} heads off the features" if made.shape[0] > given.shape[0] else f"merges {heads} heads"
    reason = (
        f"{place_text(layer)} reads {shape_text(given)} as {shape_text(made)}: it {what}, but a {layer.type} moves no "
        f"values, so a row of the batch holds all heads of {-(-given.shape[1] // heads)} of the {given.shape[1]} "
        f"positions, not one head of all. Swapping the axes between takes transpose(1, 2)."
    )
    remedies: tuple[Remedy, ...] = tuple(edits) if len(edits) < 2 else (Together(tuple(edits)),)
    said = finding_at(
        "SW601", layer, reason, fix=heads_and_batch(layer)[0] or "transpose(1, 2) between the heads and the positions",
        axis=1, axis_name="positions", expected="transpose(1, 2)", got=f"{layer.name}{made.shape}",
    )  # fmt: skip
    return Diagnosis(said, remedies)
