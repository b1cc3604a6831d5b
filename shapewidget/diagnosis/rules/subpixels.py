"""Channels that become pixels between those of a map, and were put beside the whole of it instead.

Of every axis that a convolution slides along, neighbours are to be neighbours: what was channels may stand behind the
positions, as finer steps of each, and never in front of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Axes, Axis, Part, Role
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import method_call
from shapewidget.diagnosis.pieces import put_back_otherwise
from shapewidget.diagnosis.pixel_shuffles import shuffled
from shapewidget.diagnosis.rules.reshape import is_reshape
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression

_BEHIND_CHANNELS = 2


def neighbours_set_apart(evidence: Evidence) -> Iterator[Diagnosis]:
    """A convolution over a map whose rows, or columns, are made of pieces in an order that is none of places."""
    told: set[str] = set()
    for layer in evidence.graph.layers:
        slides = [axis for axis in _slid_along(layer) if _is_scattered(evidence.axes_into(layer)[axis])]
        made = _merging(evidence, layer, slides[0]) if slides else None
        if made is not None and made.id not in told and put_back_otherwise(evidence, made) is None:
            told.add(made.id)
            yield _said(evidence, made, layer, slides[0])


def _slid_along(layer: Layer) -> list[int]:
    """The axes along which a convolution reads several places at once."""
    window = layer.settings.get("kernel_size")
    if layer.kind is not LayerKind.LAYER or layer.size("in_channels") is None or not isinstance(window, tuple):
        return []
    rank = len(layer.inputs[0].shape) if layer.inputs else 0
    wide = [axis for axis, size in enumerate(window, _BEHIND_CHANNELS) if size > 1]
    return wide if rank == _BEHIND_CHANNELS + len(window) else []


def _is_scattered(axis: Axis) -> bool:
    """Whether a piece of the channels stands before positions, or a piece of one axis of positions beside another."""
    for one, other in itertools.combinations(axis, 2):
        if other.role is not Role.POSITIONS:
            continue
        if one.role is Role.FEATURES and not one.is_whole:
            return True
        if one.role is Role.POSITIONS and not (one.is_whole and other.is_whole) and _origin(one) != _origin(other):
            return True
    return False


def _origin(part: Part) -> tuple[str, int, int]:
    return part.by, part.output, part.axis


def _merging(evidence: Evidence, layer: Layer, axis: int) -> Layer | None:
    """The reshape that made such an axis, behind which only values change."""
    scattered, node = evidence.axes_into(layer)[axis], evidence.producer(layer.id, 0)
    while node is not None and node.inputs and scattered in evidence.tracing.axes.get((node.id, 0), ()):
        if is_reshape(node):
            return node
        node = evidence.producer(node.id, 0)
    return None


def _said(evidence: Evidence, made: Layer, reader: Layer, axis: int) -> Diagnosis:
    edit = shuffled(made) or _in_order(evidence, made)
    parts = evidence.axes_into(reader)[axis]
    held = " x ".join(f"{part.size} {part.role.value if part.role is Role.FEATURES else 'places'}" for part in parts)
    reason = (
        f"{place_text(made)} takes {shape_text(made.inputs[0])} to {shape_text(made.outputs[0])}, of which axis {axis} "
        f"holds {held}, the slowest first: values that belong side by side lie apart, and {place_text(reader)} slides "
        "over others. What was channels goes behind the places that it divides."
    )
    said = finding_at(
        "SW654", made, reason, fix=edit.replacement if edit is not None else "permute the places in front first",
        axis=axis, axis_name="pixels", expected="places, then what divides them", got=held,
    )  # fmt: skip
    return Diagnosis(said, (edit,) if edit is not None else ())


def _in_order(evidence: Evidence, made: Layer) -> EditExpression | None:
    """The permute in front of the reshape in the order in which each place is followed by what divides it."""
    turned = evidence.producer(made.id, 0)
    call = method_call(turned.source) if turned is not None and turned.name == "permute" else None
    if turned is None or call is None or turned.source is None:
        return None
    order = _places_first(evidence.axes_into(turned), made.outputs[0].shape)
    if order is None or len(call.arguments) != len(order):
        return None
    return EditExpression(turned.source, f"{call.receiver}.permute({', '.join(map(str, order))})")


def _places_first(axes: Axes, wanted: tuple[int, ...]) -> list[int] | None:
    """The order of the axes that gives each of the wanted axes behind the channels its places, and a piece of those."""
    if any(len(axis) != 1 for axis in axes):
        return None
    parts = [axis[0] for axis in axes]
    places = [at for at, part in enumerate(parts) if part.role is Role.POSITIONS]
    free = [at for at, part in enumerate(parts) if at not in places]
    if len(places) != len(wanted) - _BEHIND_CHANNELS:
        return None
    behind: list[int] = []
    for at, size in zip(places[::-1], wanted[:1:-1], strict=True):
        fitting = [it for it in free if not parts[it].is_whole and parts[it].size * parts[at].size == size]
        if not fitting:
            return None
        free.remove(fitting[-1])
        behind = [at, fitting[-1], *behind]
    return [*free, *behind]
