"""`scaled_dot_product_attention`: queries, keys, values and masks that do not go together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.loss_search import dims_of
from shapewidget.diagnosis.operand_remedies import other_widths
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.rearrangements import broadcasts_into, rearranged
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Clash, ClashKind, Layer
from shapewidget.graph.remedies import EditExpression, Remedy
from shapewidget.graph.steps import Dims, written

_NAME = "scaled_dot_product_attention"
_ROLES = ("queries", "keys", "values", "mask")
_MOST = 4


def scaled_attention_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """Attention that raised because of the sizes of its inputs or of its mask."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or layer.name != _NAME or clash.kind not in (ClashKind.SIZE, ClashKind.RANK):
            continue
        if clash.against is None:
            yield _mask(evidence, clash, layer)
        else:
            yield _inputs(evidence, clash, layer, clash.against)


def _mask(evidence: Evidence, clash: Clash, layer: Layer) -> Diagnosis:
    mask, scores = layer.inputs[clash.input], _scores(layer)
    sizes = (*layer.inputs[0].shape[:-1], layer.inputs[1].shape[-2])
    named = f"({', '.join(map(str, scores))})"
    shape = f"{named} = {sizes}" if named != str(sizes) else named
    if clash.axis is None:
        clause = f"it has {clash.got} axes, and the scores have {clash.expected}"
    else:
        got = size_text(clash.got, evidence.dim(layer, clash.input, clash.axis))
        back = clash.axis - len(mask.shape)
        clause = f"axis {clash.axis} of the mask, {got}, meets {size_text(clash.expected, scores[back])}"
    reason = (
        f"{place_text(layer)} has one score for every query and key, {shape}, and its mask {shape_text(mask)} has to "
        f"broadcast to that from the last axis on: {clause}."
    )
    fix = f"give a mask that broadcasts to {sizes}: mask[:, None, None, :] for one flag a key of every sample"
    said = finding_at(
        "SW108", layer, reason, fix=fix, axis=clash.axis, axis_name="mask", expected=clash.expected, got=clash.got,
        input=clash.input,
    )  # fmt: skip
    return Diagnosis(said, (*_moved(layer, clash.input, scores), *_cut(layer, clash.input, sizes)))


def _scores(layer: Layer) -> Dims:
    return (*dims_of(layer.inputs[0])[:-1], dims_of(layer.inputs[1])[-2])


def _moved(layer: Layer, place: int, scores: Dims) -> Iterator[EditExpression]:
    """The mask with its axes where the scores have them."""
    operands = operands_of(layer)
    if operands is None or len(operands) <= place:
        return
    if len(layer.inputs[place].shape) == 1:
        yield operands.edit({place: f"{operands.text(place)}[None]"})
    for steps in islice(rearranged(dims_of(layer.inputs[place]), len(scores), broadcasts_into(scores)), _MOST):
        yield operands.edit({place: written(steps, operands.text(place))})


def _cut(layer: Layer, place: int, sizes: tuple[int, ...]) -> Iterator[EditExpression]:
    """The mask of a longer sequence, cut to the queries and the keys."""
    operands, given = operands_of(layer), layer.inputs[place].shape
    if operands is None or len(operands) <= place or len(given) < 2:
        return
    if all(size >= wanted for size, wanted in zip(given[-2:], sizes[-2:], strict=True)):
        query, key = operands.text(0), operands.text(1)
        yield operands.edit({place: f"{operands.text(place)}[..., :{query}.size(-2), :{key}.size(-2)]"})


def _inputs(evidence: Evidence, clash: Clash, layer: Layer, against: int) -> Diagnosis:
    given, other = layer.inputs[clash.input], layer.inputs[against]
    assert clash.axis is not None
    back = clash.axis - len(given.shape)
    what = {-1: "features", -2: "steps"}.get(back, "heads" if back == -3 and len(given.shape) == 4 else "batch")
    one, two = _ROLES[against], _ROLES[clash.input]
    got, dim = size_text(clash.got, evidence.dim(layer, clash.input, clash.axis)), dims_of(other)[back]
    reason = (
        f"{place_text(layer)} is given {one} {shape_text(other)} and {two} {shape_text(given)}: axis {clash.axis}, the "
        f"{what}, has {size_text(clash.expected, dim)} in the {one} and {got} in the {two}."
    )
    said = finding_at(
        "SW107", layer, reason, fix=f"give the {two} as many {what} as the {one}", axis=clash.axis, axis_name=what,
        expected=clash.expected, got=clash.got, input=clash.input,
    )  # fmt: skip
    shared = _shared_heads(clash, layer) if what == "heads" else ()
    widths: tuple[Remedy, ...] = tuple(other_widths(evidence, layer, (against, clash.input))) if back == -1 else ()
    return Diagnosis(said, (*shared, *widths))


def _shared_heads(clash: Clash, layer: Layer) -> tuple[Remedy, ...]:
    """Groups of heads that share their keys and values."""
    source, wanted, got = layer.source, clash.expected, clash.got
    is_group = isinstance(wanted, int) and isinstance(got, int) and wanted % got == 0
    if not is_group or source is None or source.expression is None or not source.expression.endswith(")"):
        return ()
    return (EditExpression(source, f"{source.expression[:-1].rstrip().rstrip(',')}, enable_gqa=True)"),)
