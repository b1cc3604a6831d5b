"""Feature maps of one picture that are joined along its rows or columns: their channels were to stand side by side."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Axes, Role, is_all
from shapewidget.diagnosis.axis_remedies import along_axes
from shapewidget.diagnosis.chains import axis_argument
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer

_JOINS = frozenset("cat concat concatenate Concatenate".split())
_CUTS = frozenset(
    "index strided_slice slice narrow split split_v tensor_split chunk unbind unstack roll select index_select gather "
    "unfold extract_patches Cropping2D Cropping3D crop_to_bounding_box".split()
)


def maps_joined_along_positions(evidence: Evidence) -> Iterator[Diagnosis]:
    """A join of maps of one size along an axis of positions, all of which are the same places of the same picture.

    Pieces that a picture was cut into are put together again so, and are left alone.
    """
    for layer in evidence.graph.layers:
        axis = axis_argument(layer) if layer.type in _JOINS or layer.name in _JOINS else None
        if axis is None or len(layer.inputs) < 2 or len(layer.inputs[0].shape) != 4 or not layer.outputs:
            continue
        maps = [evidence.axes_into(layer, place) for place in range(len(layer.inputs))]
        features = _features(maps[0])
        is_of_one = len({spec.shape[:-1] for spec in layer.inputs}) == 1 and all(_at(maps, axis))
        places = {1, 2, 3} - {features}
        if features is None or not is_of_one or not all(is_all(maps[0][place], Role.POSITIONS) for place in places):
            continue
        if axis in places and len(set(_at(maps, axis))) == 1 and not _is_cut(evidence, layer):
            yield _said(layer, axis, features)


def _at(maps: list[Axes], axis: int) -> list[object]:
    return [axes[axis] for axes in maps]


def _features(axes: Axes) -> int | None:
    return next((place for place, axis in enumerate(axes) if axis and is_all(axis, Role.FEATURES)), None)


def _is_cut(evidence: Evidence, layer: Layer) -> bool:
    before = (evidence.graph.by_id[each] for each in evidence.before(layer.id))
    return any(each.name in _CUTS or each.type in _CUTS for each in before)


def _said(layer: Layer, axis: int, features: int) -> Diagnosis:
    given, made = layer.inputs[0].shape, layer.outputs[0].shape
    count, rank = sum(spec.shape[features] for spec in layer.inputs), len(given)
    better = -1 if features == rank - 1 else features
    name = "axis" if "axis" in layer.settings else "dim"
    maps = f"{len(layer.inputs)} maps {shape_text(layer.inputs[0])}"
    reason = (
        f"{place_text(layer)} joins {maps} along axis {axis}, which makes {shape_text(layer.outputs[0])}. All are of "
        f"the same {given[axis]} positions of one picture: they come to lie one behind the other, as a picture of "
        f"{made[axis]}. Their channels, on axis {features}, go together to {count}."
    )
    said = finding_at(
        "SW672", layer, reason, fix=f"{name}={better}", axis=axis, axis_name="positions",
        expected=f"{count} channels on axis {features}", got=f"{made[axis]} positions on axis {axis}",
    )  # fmt: skip
    return Diagnosis(said, tuple(along_axes(layer, (better,))))
