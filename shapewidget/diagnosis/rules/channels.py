"""The axis that holds the channels: layers that were told another one than the data has."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.chains import chain_before
from shapewidget.diagnosis.channel_layouts import channels_first_text, channels_last_remedies
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.feature_axis import CHANNELS_LAST, channels_of, features_made_on, features_on
from shapewidget.diagnosis.rules.position_norms import edit_turned
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import SetArgument

_SCALING = frozenset(("Rescaling", "Normalization", "BatchNormalization", "GaussianNoise", "Dropout"))
_PICTURES = (1, 3, 4)
"""How many channels a picture has."""

_NORMS = frozenset(("BatchNormalization", "LayerNormalization"))
_LEAST = 8
"""Pixels on a side of what is taken for a picture."""


def normalised_along_positions(evidence: Evidence) -> Iterator[Diagnosis]:
    """A normalisation that keeps statistics for every row or step instead of every channel, or runs along them."""
    for layer in evidence.graph.layers:
        axis = layer.settings.get("axis")
        axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
        rank = len(layer.inputs[0].shape) if layer.inputs else 0
        if layer.type not in _NORMS or not isinstance(axis, int) or rank < 3 or layer.id in evidence.clash_at:
            continue
        held, before = features_on(evidence, layer), _maker_of_features(evidence, layer)
        if held == rank - 1 != axis % rank and axis % rank and before is not None:
            yield _along_positions(layer, before, axis % rank)


def _maker_of_features(evidence: Evidence, layer: Layer) -> Layer | None:
    """The layer that put the features on their axis, where nothing has moved them since."""
    return next((node for node in chain_before(evidence, layer) if node.outputs and features_made_on(node)), None)


def instances_normalised_along_features(evidence: Evidence) -> Iterator[Diagnosis]:
    """An instance normalisation of sequences that takes the steps for its channels: without weights nothing refuses."""
    for layer in evidence.graph.layers:
        channels = layer.size("num_features")
        shape = layer.inputs[0].shape if layer.inputs else ()
        if layer.type != "InstanceNorm1d" or layer.id in evidence.clash_at or len(shape) != 3:
            continue
        if channels is not None and shape[1] != channels and shape[2] == channels:
            turned = edit_turned(layer)
            said = finding_at(
                "SW613",
                layer,
                f"{place_text(layer)} was built for {channels} channels on axis 1 and is given "
                f"{shape_text(layer.inputs[0])}: it keeps one mean for each of the {shape[1]} steps, over the "
                f"{shape[2]} features, which are its channels.",
                fix=turned.replacement if turned is not None else "x.transpose(1, 2) before it, and back behind it",
                axis=1,
                axis_name="channels",
                expected=f"axis 1: {channels} channels",
                got=f"axis 1: {shape[1]} steps",
            )
            yield Diagnosis(said, (turned,) if turned is not None else ())


def picture_read_on_its_side(evidence: Evidence) -> Iterator[Diagnosis]:
    """A picture with its channels first that a convolution takes, as one of a few rows with many channels."""
    for layer in evidence.graph.layers:
        shape = layer.inputs[0].shape if layer.inputs else ()
        if (
            layer.size("filters") is None
            or len(shape) != 4
            or channels_of(layer, 4) != 3
            or layer.id in evidence.clash_at
        ):
            continue
        kernel = layer.settings.get("kernel_size")
        is_square = shape[1] in _PICTURES and shape[2] == shape[3] >= _LEAST
        if is_square and kernel not in (1, (1, 1)) and all(it.type in _SCALING for it in chain_before(evidence, layer)):
            yield Diagnosis(
                finding_at(
                    "SW650",
                    layer,
                    f"{place_text(layer)} takes its channels from the last axis.{channels_first_text(layer)}",
                    fix="Permute((2, 3, 1)) before it, or data_format='channels_first'",
                    axis=3,
                    axis_name="channels",
                    expected=f"{shape[1]} channels on axis 3",
                    got=f"{shape[3]} on axis 3, {shape[1]} on axis 1",
                ),
                tuple(channels_last_remedies(layer)),
            )


def channels_on_another_axis(evidence: Evidence) -> Iterator[Diagnosis]:
    """A layer that was told another axis for the channels than the one on which a layer before it has put them."""
    for layer in evidence.graph.layers:
        rank = len(layer.inputs[0].shape) if layer.inputs else 0
        taken = channels_of(layer, rank)
        if taken is None or rank < 3 or layer.type == "TimeDistributed" or layer.id in evidence.clash_at:
            continue
        held = features_on(evidence, layer)
        is_moved = any(it.type in ("Permute", "transpose") for it in chain_before(evidence, layer))
        if held is not None and held != taken and not is_moved:
            yield _on_another_axis(layer, held, taken)


def _on_another_axis(layer: Layer, held: int, taken: int) -> Diagnosis:
    given, right = layer.inputs[0], "channels_first" if held == 1 else CHANNELS_LAST
    works_on = [axis for axis in range(1, len(given.shape)) if axis != taken]
    return Diagnosis(
        finding_at(
            "SW651",
            layer,
            f"{place_text(layer)} has data_format={layer.settings['data_format']!r}, so that it takes axis {taken} of "
            f"{shape_text(given)} for the channels and works along axes {works_on}. The {given.shape[held]} features "
            f"are on axis {held}: they are mixed with one another, and the positions of axis {taken} stay apart. It "
            f"gives {shape_text(layer.outputs[0])}.",
            fix=f"{layer.type}(data_format={right!r})",
            axis=held,
            axis_name="channels",
            expected=f"data_format={right!r}",
            got=f"data_format={layer.settings['data_format']!r}",
        ),
        (SetArgument(layer.path, "data_format", right),),
    )


def _along_positions(layer: Layer, before: Layer, axis: int) -> Diagnosis:
    shape = layer.inputs[0].shape
    does = "keeps one mean for each" if layer.type == "BatchNormalization" else "runs along the axis"
    return Diagnosis(
        finding_at(
            "SW613",
            layer,
            f"{place_text(layer)} {does} of {shape[axis]} positions on axis {axis} of "
            f"{shape_text(layer.inputs[0])}; {place_text(before)} puts its {shape[-1]} features on the last axis, -1.",
            fix=f"{layer.type}(axis=-1, name={layer.name!r})",
            axis=axis,
            axis_name="channels",
            expected=f"axis -1 ({shape[-1]} channels)",
            got=f"axis {axis} ({shape[axis]} positions)",
        ),
        (SetArgument(layer.path, "axis", -1),),
    )
