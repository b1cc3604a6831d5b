"""Two axes that are merged in one order and split in the other: rows and columns of an image, height and width."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.chains import index_items
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import method_call, receiver_of
from shapewidget.diagnosis.rules.reshape import is_reshape
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, TensorSpec
from shapewidget.graph.remedies import EditExpression

_REORDERING = frozenset("index gather take take_along_dim index_select roll flip sort scatter unfold fold".split())
_FARTHEST = 200

Pair = tuple[int, int]
Shape = tuple[int, ...]


def split_in_another_order(evidence: Evidence) -> Iterator[Diagnosis]:
    """A reshape that splits an axis into (a, b), behind one that merged (b, a), or a table of points in that order."""
    for layer in evidence.graph.layers:
        found = _split(layer) if is_reshape(layer) and layer.id not in evidence.clash_at else None
        if found is None:
            continue
        axis, place, sizes = found
        by = next((by for order, by in _merges(evidence, layer, sizes[0] * sizes[1]) if order == sizes[::-1]), None)
        if by is not None:
            yield _said(layer, axis, place, sizes, by)


def _split(layer: Layer) -> tuple[int, int, Pair] | None:
    """The axis that a reshape splits into two of different size, the first of the two, and their sizes."""
    given, made = layer.inputs[0].shape, layer.outputs[0].shape
    for axis in range(min(len(given), len(made) - 1)):
        sizes = made[axis], made[axis + 1]
        is_rest_kept = given[:axis] == made[:axis] and given[axis + 1 :] == made[axis + 2 :]
        if is_rest_kept and given[axis] == sizes[0] * sizes[1] and 1 not in sizes and sizes[0] != sizes[1]:
            return axis, axis, sizes
    return None


def _merges(evidence: Evidence, layer: Layer, size: int) -> Iterator[tuple[Pair, str]]:
    """In what orders the values on an axis of that size were merged, and by what, as far as the axis is handed on."""
    waiting, seen = [(layer, 0)], {layer.id}
    while waiting and len(seen) < _FARTHEST:
        reader, place = waiting.pop()
        edge = evidence.edge_into(reader.id, place)
        node = evidence.layer(edge.source) if edge is not None else None
        if node is None:
            yield from _of_table(evidence, reader.inputs[place])
            continue
        merged = _merged(node, size) if is_reshape(node) else None
        if merged is not None:
            yield merged, place_text(node)
        elif node.id not in seen and not _reorders(node):
            seen.add(node.id)
            waiting += [(node, at) for at, spec in enumerate(node.inputs) if spec.shape.count(size) == 1]


def _reorders(node: Layer) -> bool:
    """Whether positions may change places along an axis; brackets that only add axes leave them as they are."""
    return node.name in _REORDERING and not set(index_items(node) or ("?",)) <= {":", "...", "None"}


def _of_table(evidence: Evidence, spec: TensorSpec) -> Iterator[tuple[Pair, str]]:
    order = evidence.tables.get(spec.shape)
    if order is not None:
        yield order, f"the table of points {shape_text(spec)}"


def _merged(node: Layer, size: int) -> Pair | None:
    """The two neighbouring axes that a reshape merges into one of that size."""
    given, made = node.inputs[0].shape, node.outputs[0].shape
    for axis in range(len(given) - 1):
        pair = given[axis], given[axis + 1]
        if pair[0] * pair[1] == size and 1 not in pair and size not in given and size in made:
            return pair
    return None


def _said(layer: Layer, axis: int, place: int, sizes: Pair, by: str) -> Diagnosis:
    order = sizes[::-1]
    reason = (
        f"{place_text(layer)} splits axis {axis} of {shape_text(layer.inputs[0])} into {sizes}, and {by} holds them in "
        f"the order {order}: {sizes[1]} neighbours are taken for a row where {order[1]} are one, so that rows and "
        f"columns come out torn."
    )
    edits = tuple(_edits(layer, place))
    said = finding_at(
        "SW621", layer, reason, fix=edits[0].replacement if edits else f"split into {order}, then transpose",
        axis=axis, axis_name="rows and columns", expected=order, got=sizes,
    )  # fmt: skip
    return Diagnosis(said, edits)


def _edits(layer: Layer, place: int) -> Iterator[EditExpression]:
    """The two sizes the other way round, and the axes swapped behind."""
    receiver, call = receiver_of(layer.source, layer.name), method_call(layer.source)
    if receiver is None or layer.source is None or layer.name not in ("view", "reshape"):
        return
    asked = call.arguments if call is not None else ()
    if len(asked) != len(layer.outputs[0].shape):
        given = [value for _, value in sorted(layer.settings.items()) if isinstance(value, int | tuple)]
        asked = tuple(str(size) for value in given for size in (value if isinstance(value, tuple) else (value,)))
    if len(asked) == len(layer.outputs[0].shape):
        turned = (*asked[:place], asked[place + 1], asked[place], *asked[place + 2 :])
        yield EditExpression(
            layer.source, f"{receiver}.{layer.name}({', '.join(turned)}).transpose({place}, {place + 1})"
        )
