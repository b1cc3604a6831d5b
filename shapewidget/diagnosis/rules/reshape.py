"""Reshapes that were meant to swap axes, or that something was forgotten between."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence, arguments_of_model
from shapewidget.diagnosis.expressions import method_call, reshape_call
from shapewidget.diagnosis.loss_search import dims_of as fixed_dims_of
from shapewidget.diagnosis.memory_order import (
    Axes,
    inverse,
    keeps_order,
    moved_axis,
    order_that_keeps,
    order_to_reach,
    transposition,
)
from shapewidget.diagnosis.mixing import is_harmless
from shapewidget.diagnosis.pieces import put_back_otherwise
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.dims import Dim, constant
from shapewidget.graph.records import Layer, LayerKind, TensorSpec
from shapewidget.graph.remedies import EditExpression, InsertLayer, Remedy, ReplaceLayer

_METHODS = ("view", "reshape", "flatten", "unflatten", "view_as", "reshape_as")
RESHAPING = frozenset((*_METHODS, "Flatten", "Unflatten", "Reshape"))


def is_reshape(layer: Layer) -> bool:
    """Whether a node gives its values another shape and nothing else."""
    return layer.type in RESHAPING and bool(layer.inputs) and len(layer.outputs) == 1


def axes_swapped_by_view(evidence: Evidence) -> Iterator[Diagnosis]:
    """A view or reshape to the same axes in another order: the values stay where they are, only the names change."""
    for layer in evidence.graph.layers:
        if not is_reshape(layer) or layer.id in evidence.clash_at:
            continue
        given, made, places = moved(evidence, layer)
        if places is None or is_shift(given, made) or comes_from_weights(evidence, layer):
            continue
        if put_back_otherwise(evidence, layer) is not None:
            continue
        if "B" in given[places[0]].names and is_harmless(evidence, layer):
            continue
        if _is_left_open(layer, given, places) and keeps_order(layer.inputs[0].shape, layer.outputs[0].shape):
            continue
        yield _swapped(evidence, layer, given, made, places)


def moved(evidence: Evidence, layer: Layer) -> tuple[Axes, Axes, tuple[int, int] | None]:
    """The dims before and after, and the axis that moved; where `width // heads` hides it, with sizes for arguments."""
    given, made = dims_of(layer.inputs[0]), dims_of(layer.outputs[0])
    if layer.outputs[0].dims is None:  # at other sizes it did not run
        given = tuple(map(constant, layer.inputs[0].shape))
    places = moved_axis(given, made)
    if places is None:
        fixed = arguments_of_model(evidence)
        given, made = fixed_dims_of(layer.inputs[0], fixed), fixed_dims_of(layer.outputs[0], fixed)
        places = moved_axis(given, made)
    return given, made, places


def dims_of(spec: TensorSpec) -> Axes:
    """The dims of a tensor; its sizes as constants where they were not solved."""
    return spec.dims if spec.dims is not None else tuple(map(constant, spec.shape))


def is_shift(given: Axes, made: Axes) -> bool:
    """Whether rows are shifted against one another: (T, T+1) read as (T+1, T) is how relative positions are aligned."""
    changed = [place for place, (one, other) in enumerate(zip(given, made, strict=False)) if one != other]
    if len(given) != len(made) or len(changed) != 2:
        return False
    one, other = (given[place] for place in changed)
    if one.names or other.names:
        return one.names == other.names
    return abs(one.offset - other.offset) == 1


def comes_from_weights(evidence: Evidence, layer: Layer) -> bool:
    """Whether nothing that the user handed in is in a tensor."""
    inputs = {each.id for each in evidence.graph.layers if each.kind is LayerKind.INPUT}
    return bool(inputs) and not inputs & evidence.before(layer.id)


def _swapped(evidence: Evidence, layer: Layer, given: Axes, made: Axes, moved: tuple[int, int]) -> Diagnosis:
    spec, result = layer.inputs[0], layer.outputs[0]
    size = spec.shape[moved[0]]
    meaning = evidence.meanings.get(str(given[moved[0]]), "")
    named = f"{size_text(size, given[moved[0]])}{f' ({meaning})' if meaning else ''}"
    better, remedies, order = _mended(layer, given, made)
    if _is_left_open(layer, given, moved):
        better, remedies, order = "", (), ""
    where = f"moves from axis {moved[0]} to axis {moved[1]}" if moved[0] != moved[1] else f"stays on axis {moved[0]}"
    reason = (
        f"{place_text(layer)} reads {shape_text(spec)} as {shape_text(result)}: the axis of size {named} {where} in "
        f"name, "
        f"but a {layer.type} moves no values, so every row now holds pieces of several. "
        f"{f'Swapping axes takes {order}.' if order else 'Swapping axes takes transpose or permute.'}"
    )
    return Diagnosis(
        finding_at(
            "SW601",
            layer,
            reason,
            fix=better or "swap the axes with transpose or permute before the reshape",
            axis=moved[1],
            axis_name=meaning or "axis order",
            expected=order or "transpose or permute",
            got=f"{layer.name}{result.shape}",
        ),
        remedies,
    )


def _is_left_open(layer: Layer, given: Axes, moved: tuple[int, int]) -> bool:
    """Whether the size that is the same number on both sides was written as -1: then another axis may be meant."""
    call = method_call(layer.source)
    is_asked = call is not None and len(call.arguments) > moved[1]
    return is_asked and call is not None and given[moved[0]].is_constant and call.arguments[moved[1]] == "-1"


def _mended(layer: Layer, given: Axes, made: Axes) -> tuple[str, tuple[Remedy, ...], str]:
    """The expression with the axes swapped, the remedies that put it there, and the swap itself."""
    if layer.type == "Reshape":
        return _permuted(layer, given, made)
    call = method_call(layer.source)
    function = reshape_call(layer.source)
    order = order_to_reach(given, made) if function is None else None
    if order is not None:
        swap = transposition(inverse(order))
        if call is None or call.name not in ("view", "reshape"):
            return swap, (), swap
        sizes = [call.arguments[axis] for axis in order] if len(call.arguments) == len(order) else []
        is_whole = [made[axis] for axis in order] == list(given)
        if is_whole or sizes:
            shaped = "" if is_whole else f".{call.name}({', '.join(sizes)})"
            return _edit(layer, f"{call.receiver}{shaped}.{swap}", swap)
    order = order_that_keeps(given, made)
    if order is None:
        return heads_and_batch(layer)
    swap = transposition(order)
    if function is not None:
        return _edit(layer, f"{function.name}({function.receiver}.{swap}, {function.arguments[0]})", swap)
    if call is None or call.name not in ("view", "reshape"):
        return f"{swap} before the {layer.name}", (), swap
    return _edit(layer, f"{call.receiver}.{swap}.reshape({', '.join(call.arguments)})", swap)


def heads_and_batch(layer: Layer) -> tuple[str, tuple[Remedy, ...], str]:
    """Heads that are split off the features and merged into the batch, or the other way round: a swap between."""
    call, given, made = method_call(layer.source), layer.inputs[0].shape, layer.outputs[0].shape
    if call is None or len(call.arguments) != 3 or len(given) != 3 or len(made) != 3 or given[1] != made[1]:
        return "", (), ""
    swap = "transpose(1, 2)"
    if made[0] % given[0] == 0 and made[0] > given[0]:
        count = str(made[0] // given[0]) if call.arguments[2] == "-1" else "-1"
        return _edit(layer, f"{call.receiver}.unflatten(-1, ({count}, {call.arguments[2]})).{swap}.flatten(0, 1)", swap)
    count = str(given[0] // made[0]) if call.arguments[0] == "-1" else "-1"
    return _edit(layer, f"{call.receiver}.unflatten(0, ({call.arguments[0]}, {count})).{swap}.flatten(2)", swap)


def _permuted(layer: Layer, given: Axes, made: Axes) -> tuple[str, tuple[Remedy, ...], str]:
    """The same for a layer of Keras: a Permute in its place or, where axes are merged or split too, before it."""
    order = order_that_keeps(given, made)
    if order is None or order[0] != 0:
        return "", (), ""
    text = f"Permute({order[1:]})"
    if sorted(map(str, given)) == sorted(map(str, made)):
        return text, (ReplaceLayer(layer.path, "Permute", {"dims": order[1:]}),), text
    return f"{text} before `{layer.path}`", (InsertLayer(layer.path, "Permute", {"dims": order[1:]}),), text


def _edit(layer: Layer, text: str, swap: str) -> tuple[str, tuple[Remedy, ...], str]:
    remedies = (EditExpression(layer.source, text),) if layer.source is not None else ()
    return text, remedies, swap


def split_and_merged(evidence: Evidence) -> Iterator[Diagnosis]:
    """A reshape that splits axes and at once another one that merges them: the transpose between is missing."""
    for layer in evidence.graph.layers:
        before = evidence.producer(layer.id, 0) if is_reshape(layer) else None
        if (
            before is None
            or not is_reshape(before)
            or before.path != layer.path
            or len(evidence.edges_out[before.id]) > 1
        ):
            continue
        first, middle, last = (tuple(spec.shape) for spec in (before.inputs[0], layer.inputs[0], layer.outputs[0]))
        if first and _is_thrown_away(first, middle, last):
            yield _forgotten(layer, before, middle)


def _is_thrown_away(first: tuple[int, ...], middle: tuple[int, ...], last: tuple[int, ...]) -> bool:
    """Whether the shape in the middle splits axes for nothing."""
    ranks = [sum(size != 1 for size in shape) for shape in (first, middle, last)]
    return ranks[1] >= max(ranks[0], ranks[2]) + 2 or (ranks[1] > ranks[0] and first == last)


def _forgotten(layer: Layer, before: Layer, middle: tuple[int, ...]) -> Diagnosis:
    call = method_call(layer.source)
    pair = _axes_to_swap(before)
    swap = f"transpose({pair[0]}, {pair[1]})" if pair else "transpose or permute"
    text = f"{call.receiver}.{swap}.reshape({', '.join(call.arguments)})" if call is not None and pair else ""
    reason = (
        f"{place_text(before)} splits {shape_text(before.inputs[0])} into {middle}, and {place_text(layer)} merges "
        f"it to "
        f"{shape_text(layer.outputs[0])} with nothing between. No value moves, so the two are one plain reshape: "
        f"what comes "
        f"out are runs of neighbours in memory, not the blocks that were split off."
    )
    return Diagnosis(
        finding_at(
            "SW602",
            layer,
            reason,
            fix=text or f"swap axes between the two: {swap}",
            axis=pair[0] if pair else None,
            axis_name="axis order",
            expected=swap,
            got=f"{layer.name}{layer.outputs[0].shape}",
        ),
        (EditExpression(layer.source, text),) if text and layer.source is not None else (),
    )


def _axes_to_swap(before: Layer) -> tuple[int, int] | None:
    """The inner axis of the first split and the outer axis of the one right behind it: (a, p, b, p) to (a, b, p, p)."""
    splits, place = [], 0
    middle: list[Dim] = list(dims_of(before.outputs[0]))
    sizes = before.outputs[0].shape
    for size in before.inputs[0].shape:
        begin, product = place, 1
        while place < len(middle) and product < size:
            product *= sizes[place]
            place += 1
        if product != size:
            return None
        if place - begin == 2:
            splits.append(begin)
        place = max(place, begin + 1)
    return (splits[0] + 1, splits[1]) if len(splits) == 2 and splits[1] == splits[0] + 2 else None
