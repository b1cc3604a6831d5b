"""Two tensors of one merged batch whose rows stand in different orders: each row meets that of another sample."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.batch_axis import BATCH
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import method_call
from shapewidget.diagnosis.loss_search import dims_of
from shapewidget.diagnosis.merged_order import Merged, merged
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.dims import constant
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy

_MEETING = frozenset("add sub mul div matmul bmm cat where masked_fill scaled_dot_product_attention".split())
_SHOWN = 6
"""How many rows are shown of an order."""

_COPYING = frozenset(("repeat", "tile", "repeat_interleave", "cat", "concat", "concatenate"))


def orders_meet(evidence: Evidence) -> Iterator[Diagnosis]:
    """A layer, function or loss that takes rows in one order, and rows of the same axes in another."""
    told: set[str] = set()
    for layer in evidence.graph.layers:
        is_attention = layer.type == "MultiheadAttention" and layer.settings.get("batch_first")
        is_meeting = layer.kind is LayerKind.LOSS or layer.name.rstrip("_") in _MEETING or is_attention
        if not is_meeting or len(layer.inputs) < 2 or layer.id in evidence.clash_at or _joins_rows(layer):
            continue
        found = [(place, it) for place in range(len(layer.inputs)) if (it := merged(evidence, layer, place))]
        found += _asked_by_heads(layer)
        for (_, one), (_, other) in itertools.combinations(found, 2):
            if one.order != other.order and one.order == other.order[::-1]:
                odd, kept = _odd_one(one, other)
                if odd.by.id not in told:
                    told.add(odd.by.id)
                    yield _said(layer, odd, kept)


def _joins_rows(layer: Layer) -> bool:
    return layer.name == "cat" and layer.settings.get("dim", layer.settings.get("1", 0)) == 0


def _asked_by_heads(layer: Layer) -> list[tuple[int, Merged]]:
    """The order in which multi-head attention takes a mask for every head of every sample."""
    heads = layer.size("num_heads")
    if layer.type != "MultiheadAttention" or heads is None:
        return []
    batch = dims_of(layer.inputs[0])[0 if layer.settings.get("batch_first") else 1]
    return [(-1, Merged((batch, constant(heads)), layer))]


def _odd_one(one: Merged, other: Merged) -> tuple[Merged, Merged]:
    """The tensor to put in the order of the other: the one that was copied, else the one that has the batch behind."""
    if (one.by.name in _COPYING) != (other.by.name in _COPYING):
        return (one, other) if one.by.name in _COPYING else (other, one)
    return (one, other) if "B" not in one.order[0].names else (other, one)


def _said(layer: Layer, odd: Merged, kept: Merged) -> Diagnosis:
    orders = [_text(each, odd.by.outputs[0].shape[0]) for each in (kept, odd)]
    with_others = "takes them" if kept.by is layer else f"brings them together with those of {place_text(kept.by)},"
    reason = (
        f"{place_text(odd.by)} makes {odd.by.outputs[0].shape[0]} rows on axis 0 of {shape_text(odd.by.inputs[0])} in "
        f"the order {orders[1]}, and {place_text(layer)} {with_others} in the order {orders[0]}: the sizes agree, but "
        f"most rows meet those of another sample."
    )
    remedies = tuple(_remedies(odd))
    fix = (
        remedies[0].replacement
        if remedies and isinstance(remedies[0], EditExpression)
        else "repeat_interleave(..., dim=0)"
    )
    said = finding_at(
        "SW616", odd.by, reason, fix=fix, axis=0, axis_name="batch", expected=orders[0], got=orders[1],
    )  # fmt: skip
    return Diagnosis(said, remedies)


def _text(rows: Merged, count: int) -> str:
    """'(3, B), samples 1 2 3 4 5 1 ...'."""
    order, samples = "(" + ", ".join(map(str, rows.order)) + ")", _samples(rows)
    if samples is None:
        return order
    places = range(min(_SHOWN, count))
    named = [place % samples if "B" in rows.order[-1].names else place // (count // samples) for place in places]
    return f"{order}, samples {' '.join(str(place + 1) for place in named)} ..."


def _samples(rows: Merged) -> int | None:
    given = rows.by.inputs[0]
    dims = dims_of(given)
    return next((given.shape[axis] for axis, dim in enumerate(dims) if dim == BATCH), None)


def _remedies(odd: Merged) -> Iterator[Remedy]:
    call, source = method_call(odd.by.source), odd.by.source
    if call is None or source is None:
        return
    if odd.by.name in ("repeat", "tile") and all(each == "1" for each in call.arguments[1:]):
        yield EditExpression(source, f"{call.receiver}.repeat_interleave({call.arguments[0]}, dim=0)")
    elif odd.by.name in ("view", "reshape", "flatten"):
        name = "reshape" if odd.by.name == "view" else odd.by.name
        yield EditExpression(source, f"{call.receiver}.transpose(0, 1).{name}({', '.join(call.arguments)})")
