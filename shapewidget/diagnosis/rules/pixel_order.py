"""Pixels of two maps that were flattened in different orders, by rows and by columns, and then meet one by one."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Axis
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import method_call
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression

_MEETING = frozenset("index add sub mul div where masked_fill masked_select eq ne".split())
_RESHAPES = frozenset(("view", "reshape", "flatten"))
_ON_THE_WAY = frozenset(("contiguous", "clone"))


def pixels_meet_others(evidence: Evidence) -> Iterator[Diagnosis]:
    """Rows of (batch, width, height) that meet rows of (batch, height, width)."""
    told: set[str] = set()
    for layer in evidence.graph.layers:
        is_meeting = layer.kind is LayerKind.LOSS or layer.name.rstrip("_") in _MEETING
        if not is_meeting or len(layer.inputs) < 2 or layer.id in evidence.clash_at:
            continue
        pixels = [axes[0] if (axes := evidence.axes_into(layer, place)) else () for place in (0, 1)]
        if layer.inputs[0].shape[:1] != layer.inputs[1].shape[:1] or not _are_crossed(*pixels):
            continue
        for place in (0, 1):
            made, turned = _flattened(evidence, layer, place), None
            turned = _turned(evidence, made) if made is not None else None
            if turned is not None and turned.id not in told:
                told.add(turned.id)
                yield _said(layer, turned, pixels[place], pixels[1 - place])
                break


def _are_crossed(one: Axis, other: Axis) -> bool:
    """Whether both are a batch of the same size with two axes behind, which stand the other way round."""
    if len(one) != 3 or len(other) != 3 or one[0].size != other[0].size:
        return False
    sizes = [tuple(part.size for part in axis[1:]) for axis in (one, other)]
    is_turned = [axis[1].by == axis[2].by and axis[1].axis > axis[2].axis for axis in (one, other)]
    return sizes[0] == sizes[1][::-1] and is_turned[0] != is_turned[1]


def _flattened(evidence: Evidence, layer: Layer, place: int) -> Layer | None:
    """The reshape that put the pixels of an input into one axis."""
    rows, node = layer.inputs[place].shape[:1], evidence.producer(layer.id, place)
    while node is not None and node.kind is LayerKind.OPERATION and node.inputs:
        if node.name in _RESHAPES and node.inputs[0].shape[:1] != rows:
            return node
        node = evidence.producer(node.id, 0) if node.inputs[0].shape[:1] == rows else None
    return None


def _turned(evidence: Evidence, made: Layer) -> Layer | None:
    """The swap of two axes in front of a reshape, that put the columns before the rows."""
    node = evidence.producer(made.id, 0)
    while node is not None and node.name in _ON_THE_WAY:
        node = evidence.producer(node.id, 0)
    is_swap = node is not None and node.name in ("transpose", "permute", "swapaxes") and len(node.inputs[0].shape) > 2
    return node if is_swap else None


def _said(layer: Layer, turned: Layer, odd: Axis, kept: Axis) -> Diagnosis:
    given, made = turned.inputs[0], turned.outputs[0]
    orders = ["(" + ", ".join(str(part.size) for part in axis) + ")" for axis in (kept, odd)]
    text = _mended(turned)
    reason = (
        f"{place_text(turned)} takes {shape_text(given)} to {shape_text(made)}, with the last axis of the map in "
        f"front. Flattened, its rows stand in the order {orders[1]}, and {place_text(layer)} brings them together "
        f"with rows in the order {orders[0]}: the sizes agree, but row k is another pixel in each."
    )
    said = finding_at(
        "SW616", turned, reason, fix=text or "swap the two axes of the map back", axis=1, axis_name="pixels",
        expected=orders[0], got=orders[1],
    )  # fmt: skip
    return Diagnosis(said, (EditExpression(turned.source, text),) if text and turned.source is not None else ())


def _mended(turned: Layer) -> str:
    """A permute to the channels behind the pixels, which keeps the order of those; only of what (B, C, H, W) gave."""
    call, rank = method_call(turned.source), len(turned.inputs[0].shape)
    given, made = turned.inputs[0].shape, turned.outputs[0].shape
    is_channels_last = rank == 4 and made == (given[0], given[3], given[2], given[1])
    return f"{call.receiver}.permute(0, 2, 3, 1)" if call is not None and is_channels_last else ""
