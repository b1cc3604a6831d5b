"""Functions whose tensors do not fit one another: arithmetic, joining, matrix products, reshaping."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from shapewidget.diagnosis.chains import maker
from shapewidget.diagnosis.cut_tables import cut_to_batch
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import method_call
from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.index_remedies import mask_index_remedies
from shapewidget.diagnosis.layer_remedies import function_remedies
from shapewidget.diagnosis.operand_remedies import (
    broadcast_remedies,
    join_remedies,
    of_another_width,
    product_remedies,
    short_table,
)
from shapewidget.diagnosis.operand_texts import name_as_written
from shapewidget.diagnosis.reshape_remedies import Heads, heads_asked, heads_remedies, reshape_remedies
from shapewidget.diagnosis.rules.kinds import TOLD_ELSEWHERE
from shapewidget.diagnosis.rules.row_groups import dealt_out
from shapewidget.diagnosis.selected_rows import is_of_picked_pairs, masked_instead
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Clash, ClashKind, Layer, LayerKind, TensorSpec
from shapewidget.graph.remedies import EditExpression, Remedy

_JOINING = frozenset(("cat", "concat", "concatenate", "stack"))
_PRODUCTS = frozenset(("matmul", "bmm", "mm", "mv", "linear", "einsum"))
_EXPANDING = frozenset(("expand", "broadcast_to"))
_RESHAPING = frozenset(("view", "reshape"))


def operands_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """A function that raised because of the sizes of its tensors."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is not None and layer.name == "view" and clash.kind is ClashKind.OTHER and clash.repair:
            yield _scattered(clash, layer)
        if layer is None or layer.kind is not LayerKind.OPERATION or clash.kind not in (ClashKind.SIZE, ClashKind.RANK):
            continue
        if layer.name in TOLD_ELSEWHERE or dealt_out(evidence, clash) is not None:
            continue
        if layer.name in _RESHAPING:
            heads = heads_asked(clash, layer)
            yield _splitting(clash, layer, heads) if heads is not None else _reshaping(evidence, clash, layer)
        elif layer.name in _EXPANDING and clash.against is None:
            yield _expanding(clash, layer)
        elif clash.against is not None and clash.against < len(layer.inputs) and clash.input < len(layer.inputs):
            yield _joining(evidence, clash, layer)


def _joining(evidence: Evidence, clash: Clash, layer: Layer) -> Diagnosis:
    one, other = layer.inputs[clash.against or 0], layer.inputs[clash.input]
    code = "SW202" if layer.name in _JOINING else "SW203" if layer.name in _PRODUCTS else "SW201"
    makers = (_named(evidence, layer, clash.against or 0), _named(evidence, layer, clash.input))
    dim = evidence.dim(layer, clash.input, clash.axis)
    if clash.kind is ClashKind.RANK:
        clause = f"they have {clash.expected} and {clash.got} axes"
    else:
        clause = f"on axis {clash.axis} of the second, {size_text(clash.got, dim)} meets {clash.expected}"
    if layer.name == "index_put":
        return Diagnosis(_assigning(clash, layer, other), ())
    reason = f"{place_text(layer)} takes {shape_text(one)} {makers[0]} and {shape_text(other)} {makers[1]}: {clause}."
    fix = (
        f"give both the same size on axis {clash.axis}"
        if clash.axis is not None
        else "give both the same number of axes"
    )
    cut = cut_to_batch(evidence, layer, clash.input) if code == "SW201" else None
    if cut is not None:
        reason += f" {shape_text(other)} holds no samples: {place_text(cut)} cut a table to the batch size."
        fix = f"cut the table to the {clash.expected} steps, not to the {clash.got} samples"
    longer = short_table(evidence, layer) if code == "SW201" and cut is None else None
    if longer is not None:
        reason += (
            f" {shape_text(layer.inputs[longer.place])} is a table of the model's own, and too short for the data."
        )
        fix = f"build the table for {longer.wanted} positions or more"
    ways = {"SW202": join_remedies, "SW203": product_remedies}
    way = mask_index_remedies if layer.name == "index" else ways.get(code, broadcast_remedies)
    remedies = way(evidence, layer)
    return Diagnosis(_finding(code, clash, layer, reason, fix), remedies)


def _expanding(clash: Clash, layer: Layer) -> Diagnosis:
    """A tensor repeated to sizes with which its axes, counted from the last, do not agree."""
    given, asked = layer.inputs[0], clash.expected if isinstance(clash.expected, tuple) else ()
    axis, rank = clash.axis or 0, len(layer.inputs[0].shape)
    wanted = asked[axis - rank]
    reason = (
        f"{place_text(layer)} repeats {shape_text(given)} to {asked}. Axes are counted from the last: axis {axis}, of "
        f"size {given.shape[axis]}, meets {wanted}, and only an axis of size 1 can be repeated."
    )
    call = method_call(layer.source)
    places = [at for at in range(rank + 1) if _broadcasts((*given.shape[:at], 1, *given.shape[at:]), asked)]
    texts = [f"{call.receiver}.unsqueeze({at}).{call.name}({', '.join(call.arguments)})" for at in places if call]
    edits = tuple(EditExpression(layer.source, text) for text in texts if layer.source is not None)
    fix = texts[0] if texts else f"an axis of size 1 in the place of each that is to be repeated to {asked}"
    said = _finding("SW201", replace(clash, expected=wanted, got=given.shape[axis]), layer, reason, fix)
    return Diagnosis(said, edits)


def _broadcasts(shape: tuple[int, ...], asked: tuple[int, ...]) -> bool:
    behind = zip(shape[::-1], asked[::-1], strict=False)
    return len(shape) <= len(asked) and all(size in (1, other) or other == -1 for size, other in behind)


def _assigning(clash: Clash, layer: Layer, value: TensorSpec) -> Finding:
    """A value that is written to a place of another size."""
    reason = (
        f"{shape_text(value)} is written to a part of {shape_text(layer.inputs[0])} that has {clash.expected} on axis "
        f"{clash.axis}, where the value has {clash.got}."
    )
    return _finding("SW201", clash, layer, reason, f"write to as many as there are: {clash.got}")


def _named(evidence: Evidence, layer: Layer, place: int) -> str:
    producer = evidence.producer(layer.id, place)
    return f"from {place_text(producer)}" if producer is not None else "of its own"


def _scattered(clash: Clash, layer: Layer) -> Diagnosis:
    """A view of a tensor whose axes were swapped before."""
    reason = (
        f"{place_text(layer)} merges axes of {shape_text(layer.inputs[0])} that do not lie side by side in memory "
        f"({clash.got}), because axes were swapped before. `reshape` copies the values where a view cannot."
    )
    call = method_call(layer.source)
    text = f"{call.receiver}.reshape({', '.join(call.arguments)})" if call is not None else "reshape"
    remedies = (EditExpression(layer.source, text),) if call is not None and layer.source is not None else ()
    return Diagnosis(_finding("SW205", clash, layer, reason, text), remedies)


def _splitting(clash: Clash, layer: Layer, heads: Heads) -> Diagnosis:
    """A width that is split into heads which do not divide it."""
    left = heads.width - heads.count * heads.size
    reason = (
        f"{place_text(layer)} splits {heads.width} features into {heads.count} heads, but "
        f"{heads.count} x {heads.size} = {heads.count * heads.size} leaves {left} over: the number of heads "
        f"has to divide the width."
    )
    said = _finding("SW206", clash, layer, reason, f"take a number of heads that divides {heads.width}")
    said = replace(said, expected=f"a width that {heads.count} heads divide", got=heads.width, axis_name="features")
    return Diagnosis(said, tuple(heads_remedies(layer, heads)))


def _reshaping(evidence: Evidence, clash: Clash, layer: Layer) -> Diagnosis:
    given: TensorSpec = layer.inputs[0]
    count = math.prod(given.shape)
    asked = clash.expected if isinstance(clash.expected, tuple) else ()
    fixed = math.prod(size for size in asked if isinstance(size, int) and size != -1)
    rest = f"which is no multiple of {fixed}" if -1 in asked else f"not {fixed}"
    reason = f"{place_text(layer)} asks for {asked}, but {shape_text(given)} holds {count} values, {rest}."
    odd, said = _odd_axis(given.shape, asked), clash
    if odd is not None:
        axis, parts = odd
        product = f"{' x '.join(map(str, parts))} = {math.prod(parts)}" if len(parts) > 1 else str(math.prod(parts))
        reason += f" Axis {axis} has {given.shape[axis]} and is asked to be {product}; the others agree."
        said = replace(clash, axis=axis, expected=math.prod(parts), got=given.shape[axis])
    fix = "name the sizes that the tensor has, and let one be -1"
    if is_of_picked_pairs(evidence, layer):
        reason += " A mask has picked the values: as many in every row only if all rows of the mask hold as many."
        fix = "fill what the mask leaves out, and keep the rows: table.masked_fill(~mask, ...)"
        return Diagnosis(_finding("SW204", said, layer, reason, fix), tuple(masked_instead(evidence, layer)))
    remedies = (*function_remedies(clash, layer), *reshape_remedies(evidence, clash, layer))
    if said is not clash:
        remedies = (*_width_before(evidence, said, layer), *remedies)
    return Diagnosis(_finding("SW204", said, layer, reason, fix), remedies)


def _width_before(evidence: Evidence, clash: Clash, layer: Layer) -> Iterator[Remedy]:
    """The layer before built for the width that is asked for, where it makes that axis."""
    made = maker(evidence, layer)
    if made is None or not isinstance(clash.expected, int):
        return
    axis = 1 if made[0].size("out_channels") is not None else len(layer.inputs[0].shape) - 1
    remedy = of_another_width(made[0], clash.expected, None) if clash.axis == axis else None
    if remedy is not None:
        yield remedy


def _odd_axis(given: tuple[int, ...], asked: tuple[int, ...]) -> tuple[int, tuple[int, ...]] | None:
    """The one axis that is split into, or read as, sizes that do not make it up; None where that is not clear."""
    front = next((at for at, (one, other) in enumerate(zip(given, asked, strict=False)) if one != other), len(given))
    tails = zip(given[front:][::-1], asked[front:][::-1], strict=False)
    back = next((at for at, (one, other) in enumerate(tails) if one != other), 0)
    middle, parts = given[front : len(given) - back], asked[front : len(asked) - back]
    return (front, parts) if len(middle) == 1 and parts and -1 not in parts and front + back else None


def _finding(code: str, clash: Clash, layer: Layer, reason: str, fix: str) -> Finding:
    return finding(
        code,
        "loss" if layer.path == "loss" else "function",
        layer.name,
        reason,
        fix=fix,
        op=name_as_written(layer),
        scope=layer.path,
        axis=clash.axis,
        expected=clash.expected,
        got=clash.got,
        source=layer.source,
        layer_id=layer.id,
        input=clash.input,
    )
