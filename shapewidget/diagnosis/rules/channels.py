"""The axis that holds the channels: layers that were told another one than the data has."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.memory_order import moved_axis
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.dims import constant
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import ReplaceLayer, SetArgument

_LAST = "channels_last"


def normalised_along_positions(evidence: Evidence) -> Iterator[Diagnosis]:
    """A batch normalisation behind a convolution that keeps statistics for every row instead of every channel."""
    for layer in evidence.graph.layers:
        axis = layer.settings.get("axis")
        if layer.type != "BatchNormalization" or not isinstance(axis, int) or len(layer.inputs[0].shape) < 4:
            continue
        rank = len(layer.inputs[0].shape)
        before = _spatial_before(evidence, layer)
        if before is not None and before.settings["data_format"] == _LAST and axis % rank != rank - 1:
            yield _along_positions(layer, before, axis % rank)


def _spatial_before(evidence: Evidence, layer: Layer) -> Layer | None:
    node = evidence.producer(layer.id, 0)
    while node is not None and node.inputs and "data_format" not in node.settings:
        if len(node.inputs[0].shape) != len(layer.inputs[0].shape):
            return None
        node = evidence.producer(node.id, 0)
    return node if node is not None and "data_format" in node.settings else None


def _along_positions(layer: Layer, before: Layer, axis: int) -> Diagnosis:
    shape = layer.inputs[0].shape
    return Diagnosis(
        finding_at(
            "SW613",
            layer,
            f"{place_text(layer)} keeps one mean for each of {shape[axis]} positions on axis {axis} of "
            f"{shape_text(layer.inputs[0])}; {place_text(before)} puts its {shape[-1]} channels on the last axis, -1.",
            fix=f"BatchNormalization(axis=-1, name={layer.name!r})",
            axis=axis,
            axis_name="channels",
            expected=f"axis -1 ({shape[-1]} channels)",
            got=f"axis {axis} ({shape[axis]} positions)",
        ),
        (SetArgument(layer.path, "axis", -1),),
    )


def axes_swapped_by_reshape_layer(evidence: Evidence) -> Iterator[Diagnosis]:
    """A Reshape layer to the same axes in another order: the values stay where they are."""
    for layer in evidence.graph.layers:
        is_plain = layer.kind is LayerKind.LAYER and layer.type == "Reshape" and layer.id not in evidence.clash_at
        if not is_plain or not layer.inputs or not layer.outputs:
            continue
        given, made = (spec.dims or tuple(map(constant, spec.shape)) for spec in (layer.inputs[0], layer.outputs[0]))
        if len(given) != len(made) or sorted(map(str, given)) != sorted(map(str, made)):
            continue
        moved = moved_axis(given, made)
        if moved is not None:
            yield _swapped(layer, moved)


def _swapped(layer: Layer, moved: tuple[int, int]) -> Diagnosis:
    given, made = layer.inputs[0], layer.outputs[0]
    order: list[int] = []
    for size in made.shape[1:]:
        same = [axis for axis in range(1, len(given.shape)) if given.shape[axis] == size and axis not in order]
        order.append(same[0])
    return Diagnosis(
        finding_at(
            "SW601",
            layer,
            f"{place_text(layer)} reads {shape_text(given)} as {shape_text(made)}: the axis of size "
            f"{given.shape[moved[0]]} moves from axis {moved[0]} to axis {moved[1]} in name, but a reshape moves no "
            f"values, so every row now holds pieces of several. Swapping axes takes Permute.",
            fix=f"Permute({tuple(order)}, name={layer.name!r})",
            axis=moved[1],
            axis_name="axis order",
            expected=f"Permute({tuple(order)})",
            got=f"Reshape{made.shape[1:]}",
        ),
        (ReplaceLayer(layer.path, "Permute", {"dims": tuple(order)}),),
    )
