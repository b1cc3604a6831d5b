"""Two tensors of one merged batch whose rows stand in different orders: each row meets that of another sample."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import method_call
from shapewidget.diagnosis.loss_search import dims_of
from shapewidget.diagnosis.merged_order import Known, Merged, changed_order, merged
from shapewidget.diagnosis.mixing import mixing_layers
from shapewidget.diagnosis.operand_texts import call_of, is_method
from shapewidget.diagnosis.rules.reshape import is_reshape
from shapewidget.diagnosis.unpacked import batch_first_again, unpacked_time_first
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.dims import constant, product
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression

_MEETING = frozenset("add sub mul div matmul bmm cat where masked_fill scaled_dot_product_attention".split())
_MEETING_LAYERS = frozenset(
    "GRUCell LSTMCell SimpleRNNCell RNNCell Add Subtract Multiply Average Concatenate Dot Attention AdditiveAttention "
    "MultiHeadAttention".split()
)
"""Layers whose first axis is that of the samples in all their inputs."""

_FIRST_MASK = 3
"""The place of the first mask among the inputs of an attention."""

_SHOWN = 6
"""How many rows are shown of an order."""

_JOINING = frozenset(("cat", "concat", "concatenate"))
_COPYING = frozenset(("repeat", "tile", "repeat_interleave")) | _JOINING


def orders_meet(evidence: Evidence) -> Iterator[Diagnosis]:
    """A layer, function or loss that takes rows in one order, and rows of the same axes in another."""
    told: set[str] = set()
    places = [*_seen_to_meet(evidence), *_known_to_meet(evidence), *_split_otherwise(evidence)]
    for layer, one, other in places:
        odd, kept = _odd_one(one, other)
        if odd.by.id not in told:
            told.add(odd.by.id)
            yield _said(evidence, layer, odd, kept)


def _seen_to_meet(evidence: Evidence) -> Iterator[tuple[Layer, Merged, Merged]]:
    """Nodes at which the rows of the sample that was replaced meet rows of others, each order being one by itself."""
    for layer in mixing_layers(evidence) if evidence.independence is not None else ():
        found = [(place, it) for place in range(len(layer.inputs)) if (it := changed_order(evidence, layer, place))]
        yield from _opposed(layer, [it for _, it in found])


def _known_to_meet(evidence: Evidence) -> Iterator[tuple[Layer, Merged, Merged]]:
    """Nodes whose inputs were merged of the same axes in another order, as can be told from their sizes."""
    known: Known = {}
    for layer in evidence.graph.layers:
        is_attention = layer.type == "MultiheadAttention"
        is_layer = layer.type in _MEETING_LAYERS or "return_sequences" in layer.settings
        is_meeting = layer.kind is LayerKind.LOSS or layer.name.rstrip("_") in _MEETING or is_attention or is_layer
        if not is_meeting or len(layer.inputs) < 2 or layer.id in evidence.clash_at or _joins_rows(layer):
            continue
        masks_only = is_attention and not layer.settings.get("batch_first")  # the others have time in front
        places = range(_FIRST_MASK if masks_only else 0, len(layer.inputs))
        found = [it for place in places if (it := merged(evidence, layer, place, known))]
        yield from _opposed(layer, [*found, *_asked_by_heads(layer)])


def _split_otherwise(evidence: Evidence) -> Iterator[tuple[Layer, Merged, Merged]]:
    """Copies of rows that a reshape takes apart again, as if they lay the other way round."""
    known: Known = {}
    for layer in evidence.graph.layers:
        if layer.kind is not LayerKind.OPERATION or not is_reshape(layer) or layer.id in evidence.clash_at:
            continue
        given, made = dims_of(layer.inputs[0]), dims_of(layer.outputs[0])
        if len(made) > 1 and given and product(made[:2]) == given[0]:
            order = merged(evidence, layer, 0, known)
            is_copied = order is not None and _called(order.by) in _COPYING
            yield from _opposed(layer, [order, Merged(made[:2], layer)]) if order is not None and is_copied else ()


def _opposed(layer: Layer, orders: Sequence[Merged]) -> Iterator[tuple[Layer, Merged, Merged]]:
    for one, other in itertools.combinations(orders, 2):
        if one.is_turned(other):
            yield layer, one, other


def _joins_rows(layer: Layer) -> bool:
    asked = layer.settings.get("dim", layer.settings.get("axis", layer.settings.get("1", 0)))
    return (layer.name == "cat" or layer.type == "Concatenate") and asked == 0


def _asked_by_heads(layer: Layer) -> list[Merged]:
    """The order in which multi-head attention takes a mask for every head of every sample."""
    heads = layer.size("num_heads")
    if layer.type != "MultiheadAttention" or heads is None:
        return []
    batch = dims_of(layer.inputs[0])[0 if layer.settings.get("batch_first") else 1]
    return [Merged((batch, constant(heads)), layer)]


def _odd_one(one: Merged, other: Merged) -> tuple[Merged, Merged]:
    """The tensor to put in the order of the other: the one that was copied, else the one that has the batch behind."""
    copies = [_called(each.by) in _COPYING for each in (one, other)]
    if copies[0] != copies[1]:
        return (one, other) if copies[0] else (other, one)
    return (one, other) if "B" not in one.order[0].names else (other, one)


def _called(layer: Layer) -> str:
    """The function that the program calls: TensorFlow copies rows by a reshape, among others."""
    call = call_of(layer.source)
    name = call.func.attr if call is not None and isinstance(call.func, ast.Attribute) else ""
    return name if name in _COPYING else layer.name


def _said(evidence: Evidence, layer: Layer, odd: Merged, kept: Merged) -> Diagnosis:
    orders = [_text(each, odd.rows, evidence.graph.sizes.get("B")) for each in (kept, odd)]
    with_others = "takes them" if kept.by is layer else f"brings them together with those of {place_text(kept.by)},"
    edits = tuple(_edits(odd))
    by = replace(odd.by, name=_called(odd.by)) if odd.by.kind is LayerKind.OPERATION else odd.by
    unpacked = unpacked_time_first(evidence, odd.by) if "B" in odd.order[-1].names else None
    reason = (
        f"{place_text(by)} makes {odd.rows} rows on axis {odd.axis} of {shape_text(odd.by.inputs[0])} in the order "
        f"{orders[1]}, and {place_text(layer)} {with_others} in the order {orders[0]}: the sizes agree, but most rows "
        f"meet those of another sample."
    )
    if unpacked is not None:
        reason += " Time is in front since `pad_packed_sequence`, which is not told batch_first=True as the packing is."
        edits, by = (*batch_first_again(unpacked), *edits), replace(unpacked, name="pad_packed_sequence")
    said = finding_at(
        "SW616", by, reason, fix=edits[0].replacement if edits else f"repeat_interleave(..., dim={odd.axis})",
        axis=odd.axis, axis_name="batch", expected=orders[0], got=orders[1],
    )  # fmt: skip
    return Diagnosis(said, edits)


def _text(rows: Merged, count: int, samples: int | None) -> str:
    """'(3, B), samples 1 2 3 4 5 1 ...'."""
    order = "(" + ", ".join(map(str, rows.order)) + ")"
    if not samples or count % samples:
        return order
    places = range(min(_SHOWN, count))
    named = [place % samples if "B" in rows.order[-1].names else place // (count // samples) for place in places]
    return f"{order}, samples {' '.join(str(place + 1) for place in named)} ..."


def _of_tensorflow(odd: Merged) -> Iterator[EditExpression]:
    """Copies of all rows behind one another in place of copies side by side, or the other way round."""
    call, source, rank = call_of(odd.by.source), odd.by.source, len(odd.by.outputs[0].shape)
    function = call.func if call is not None else None
    if call is None or source is None or not isinstance(function, ast.Attribute) or is_method(function) or odd.axis:
        return
    tensor, asked = (*map(ast.unparse, call.args[:2]), "", "")[:2]
    module, name = ast.unparse(function.value), function.attr
    if name == "repeat" and asked:
        yield EditExpression(source, f"{module}.tile({tensor}, [{', '.join((asked, *['1'] * (rank - 1)))}])")
    elif (
        name == "tile" and len(call.args) == 2 and isinstance(call.args[1], ast.List | ast.Tuple) and call.args[1].elts
    ):
        yield EditExpression(source, f"{module}.repeat({tensor}, {ast.unparse(call.args[1].elts[0])}, axis=0)")


def _edits(odd: Merged) -> Iterator[EditExpression]:
    yield from _of_tensorflow(odd)
    call, source = method_call(odd.by.source), odd.by.source
    joined, apart = _joined(odd), _taken_apart(odd)
    if source is not None and apart is not None:
        yield EditExpression(source, f"{apart}.flatten(0, 1)")
    if source is not None and joined is not None:
        yield EditExpression(source, f"{joined}.repeat_interleave({len(odd.by.inputs)}, dim={odd.axis})")
    if call is None or source is None:
        return
    copies = [each for each in call.arguments if each != "1"]
    if odd.by.name in ("repeat", "tile") and call.arguments[odd.axis :][:1] == tuple(copies):
        yield EditExpression(source, f"{call.receiver}.repeat_interleave({copies[0]}, dim={odd.axis})")
    elif odd.by.name in ("view", "reshape", "flatten") and odd.axis == 0:
        name = "reshape" if odd.by.name == "view" else odd.by.name
        yield EditExpression(source, f"{call.receiver}.transpose(0, 1).{name}({', '.join(call.arguments)})")


def _joined(odd: Merged) -> str | None:
    """What is joined several times to itself: "x" of ``torch.cat([x] * 3)``."""
    node = call_of(odd.by.source)
    match node.args[:1] if node is not None and odd.by.name in _JOINING else ():
        case [ast.BinOp(left=ast.List(elts=[item]), op=ast.Mult())]:
            return ast.unparse(item)
        case [ast.List(elts=[item, *others])] if all(ast.dump(each) == ast.dump(item) for each in others):
            return ast.unparse(item)
    return None


def _taken_apart(odd: Merged) -> str | None:
    """What is taken apart along axis 1 and joined along axis 0: "x" of ``torch.cat(torch.unbind(x, dim=1))``."""
    node = call_of(odd.by.source)
    if node is None or odd.by.name not in _JOINING or odd.axis or not node.args:
        return None
    match node.args[0]:
        case ast.Call(func=ast.Name(id="list" | "tuple"), args=[ast.Call() as inner]):
            call = inner
        case ast.Call() as call:
            pass
        case _:
            return None
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "unbind":
        return None
    given = [*([call.func.value] if is_method(call.func) else []), *call.args, *(it.value for it in call.keywords)]
    is_along_steps = len(given) == 2 and ast.unparse(given[1]) == "1"
    return ast.unparse(given[0]) if is_along_steps else None
