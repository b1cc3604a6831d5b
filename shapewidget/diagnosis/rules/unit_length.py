"""Vectors brought to length 1 over the samples of a batch: each is then divided by what all have in one feature."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Role, is_all
from shapewidget.diagnosis.axis_remedies import axis_keywords, reduced_along, reduced_axes
from shapewidget.diagnosis.batch_axis import has_batch
from shapewidget.diagnosis.chains import axis_argument, readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import along
from shapewidget.diagnosis.operand_texts import call_of
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression

_SCALING = frozenset("sqrt rsqrt maximum add mul reciprocal squeeze pow".split())
_TURNS = frozenset(("transpose", "t", "T", "mT", "permute"))
_FARTHEST = 5


def length_over_samples(evidence: Evidence) -> Iterator[Diagnosis]:
    """A sum of squares over the samples, for each feature, by whose root the same values are divided.

    Not of values that had their mean taken away: that is a normalisation by the batch. Nor of those of which the
    samples are summed behind, as a correlation of features is made.
    """
    for layer in evidence.graph.layers:
        squares = evidence.producer(layer.id, 0) if layer.name == "sum" and layer.inputs else None
        if squares is None or len(layer.inputs[0].shape) != 2 or not _is_square(squares):
            continue
        values, axes = evidence.edge_into(squares.id, 0), evidence.axes_into(layer)
        is_known = is_all(axes[0], Role.BATCH) and is_all(axes[1], Role.FEATURES)
        if values is None or reduced_axes(layer) not in ((0,), (0, 1)) or not is_known:
            continue
        made = evidence.layer(values.source)
        divided = _divided(evidence, layer, (values.source, values.output), _FARTHEST)
        if made is None or made.name == "sub" or divided is None or _samples_are_summed(evidence, divided):
            continue
        if not (evidence.independence is not None and len(reduced_axes(layer)) == 2 and has_batch(layer.inputs[0])):
            yield _said(layer, divided)


def unit_length_over_samples(evidence: Evidence) -> Iterator[Diagnosis]:
    """PyTorch's `normalize` along the samples, in a loss, where no sample is tried against the others."""
    for layer in evidence.graph.layers:
        is_in_loss = layer.name == "normalize" and evidence.is_behind_the_model(layer)
        if not is_in_loss or len(layer.inputs[0].shape) != 2 or axis_argument(layer) != 0:
            continue
        axes = evidence.axes_into(layer)
        is_known = is_all(axes[0], Role.BATCH) and is_all(axes[1], Role.FEATURES)
        if is_known and not _samples_are_summed(evidence, layer):
            yield _said(layer, layer)


def _is_square(layer: Layer) -> bool:
    return layer.name == "square" or (layer.name == "mul" and len(layer.inputs) == 2)


def _divided(evidence: Evidence, layer: Layer, values: tuple[str, int], steps: int) -> Layer | None:
    """The operation at which the values meet their own length."""
    for reader, _ in readers(evidence, layer) if steps else ():
        sources = {(edge.source, edge.output) for edge in evidence.graph.into(reader.id)}
        if reader.name in ("mul", "div", "div_no_nan") and values in sources:
            return reader
        found = _divided(evidence, reader, values, steps - 1) if reader.name in _SCALING else None
        if found is not None:
            return found
    return None


def _samples_are_summed(evidence: Evidence, layer: Layer) -> bool:
    """Whether a product behind sums over the samples, and leaves features against features."""
    for reader, place in readers(evidence, layer):
        if reader.name in _TURNS and _samples_are_summed(evidence, reader):
            return True
        if reader.name in ("matmul", "mm", "einsum") and reader.outputs:
            made = reader.outputs[0].shape
            own = evidence.axes_into(reader, place)
            axes = evidence.tracing.axes.get((reader.id, 0), ())
            is_batch_left = any(axis and is_all(axis, Role.BATCH) for axis in axes)
            if len(made) == 2 and any(is_all(axis, Role.BATCH) for axis in own if axis) and not is_batch_left:
                return True
    return False


def _said(layer: Layer, divided: Layer) -> Diagnosis:
    given, edit = layer.inputs[0], _along_features(layer)
    call = call_of(layer.source)
    if call is not None and isinstance(call.func, ast.Attribute) and "normalize" in call.func.attr:
        layer = replace(layer, name=call.func.attr)  # the squares are summed within a function of TensorFlow
    name = axis_keywords(layer)[0]
    samples, features = given.shape
    over = f"the {samples} samples" if reduced_axes(layer) == (0,) else f"all {samples} x {features} values"
    reason = (
        f"{place_text(layer)} adds up the squares of {shape_text(given)} over {over}, and `{divided.name}` divides the "
        f"values by the root of that: the vectors of {features} features do not get length 1, and each depends on the "
        f"others in its batch."
    )
    said = finding_at(
        "SW603", layer, reason, fix=edit.replacement if edit is not None else f"{name}=-1", axis=0, axis_name="batch",
        expected=f"{name}=1 ({features} features)", got=f"{name}=0 ({samples} samples)",
    )  # fmt: skip
    return Diagnosis(said, (edit,) if edit is not None else ())


def _along_features(layer: Layer) -> EditExpression | None:
    text = along(layer.source, 0, 2, -1) if reduced_axes(layer) == (0,) else None
    if text is not None and layer.source is not None:
        return EditExpression(layer.source, text)
    return reduced_along(layer, (-1,))
