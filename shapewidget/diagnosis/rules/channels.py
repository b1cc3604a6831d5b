"""The axis that holds the channels: layers that were told another one than the data has."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression, SetArgument

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


def instances_normalised_along_features(evidence: Evidence) -> Iterator[Diagnosis]:
    """An instance normalisation of sequences that takes the steps for its channels: without weights nothing refuses."""
    for layer in evidence.graph.layers:
        channels = layer.size("num_features")
        shape = layer.inputs[0].shape if layer.inputs else ()
        if layer.type != "InstanceNorm1d" or layer.id in evidence.clash_at or len(shape) != 3:
            continue
        if channels is not None and shape[1] != channels and shape[2] == channels:
            operands = operands_of(layer)
            edits = []
            if operands is not None and len(operands) and layer.source is not None:
                text = layer.source.expression or ""
                turned = operands.edit({0: f"{operands.text(0)}.transpose(1, 2)"})
                edits = [EditExpression(turned.source, f"{turned.replacement}.transpose(1, 2)")] if text else []
            said = finding_at(
                "SW613",
                layer,
                f"{place_text(layer)} was built for {channels} channels on axis 1 and is given "
                f"{shape_text(layer.inputs[0])}: it keeps one mean for each of the {shape[1]} steps, over the "
                f"{shape[2]} features, which are its channels.",
                fix=edits[0].replacement if edits else "x.transpose(1, 2) before it, and back behind it",
                axis=1,
                axis_name="channels",
                expected=f"axis 1: {channels} channels",
                got=f"axis 1: {shape[1]} steps",
            )
            yield Diagnosis(said, tuple(edits))


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
