"""Products of two layers along an axis of one, which multiply every feature with every other and add nothing up."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import SetArgument


def along_an_axis_of_one(evidence: Evidence) -> Iterator[Diagnosis]:
    """A `Dot` of two rows of features that have an axis of one in front, along that axis and not along the features."""
    for layer in evidence.graph.layers:
        if layer.type != "Dot" or len(layer.inputs) != 2 or layer.inputs[0].shape != layer.inputs[1].shape:
            continue
        shape, asked = layer.inputs[0].shape, layer.settings.get("axes")
        axes = {
            axis % len(shape) for axis in (asked if isinstance(asked, tuple) else (asked,)) if isinstance(axis, int)
        }
        if len(shape) == 3 and axes == {1} and shape[1] == 1 < shape[2]:
            yield _said(layer)


def _said(layer: Layer) -> Diagnosis:
    given, size = layer.inputs[0], layer.inputs[0].shape[2]
    said = finding_at(
        "SW676",
        layer,
        f"{place_text(layer)} multiplies along axis 1 of {shape_text(given)}, which has a single value: nothing is "
        f"added up, and each of the {size} features meets each of the others, {layer.outputs[0].shape}. Along the "
        f"{size} features it gives one number a sample.",
        fix="axes=2",
        axis=1,
        axis_name="axis of one",
        expected=size,
        got=1,
    )
    return Diagnosis(said, (SetArgument(layer.path, "axes", 2),))
