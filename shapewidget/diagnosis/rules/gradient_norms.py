"""Gradients whose length is held near a number, as a gradient penalty does: one length for each sample."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_remedies import reduced_axes, reduced_over
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import along
from shapewidget.diagnosis.operand_texts import call_of
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression

_SQUARES = frozenset(("square", "mul", "pow"))
_FLATTENING = frozenset(("flatten", "view", "reshape"))
_ON_THE_WAY = frozenset(("add", "maximum", "sqrt", "squeeze", "reshape"))


def length_over_too_few_axes(evidence: Evidence) -> Iterator[Diagnosis]:
    """A penalty on the length of a gradient that sums its squares over other axes than those of a sample."""
    for _, layer in penalised_gradients(evidence):
        shape, axes = layer.inputs[0].shape, reduced_axes(layer)
        missing = [axis for axis in range(1, len(shape)) if axis not in axes and shape[axis] > 1]
        if missing or (0 in axes and shape[0] > 1):
            yield _diagnosis(layer, axes)


def penalised_gradients(evidence: Evidence) -> Iterator[tuple[Layer, Layer]]:
    """Gradients of tensors, each with the sum of its squares whose root a penalty holds near a number."""
    for gradient in evidence.graph.layers:
        if (
            "gradient" not in (gradient.name, gradient.settings.get("made_by"))
            or gradient.settings.get("learned")
            or not gradient.outputs
            or len(gradient.outputs[0].shape) < 2
        ):
            continue
        for layer in _sums_of_squares(evidence, gradient):
            if _is_held_near_a_number(evidence, layer):
                yield gradient, layer


def _sums_of_squares(evidence: Evidence, gradient: Layer) -> Iterator[Layer]:
    for reader in _readers(evidence, gradient):
        if reader.name == "norm":
            yield reader
        elif reader.name in _FLATTENING:
            yield from _sums_of_squares(evidence, reader)
        elif reader.name in _SQUARES and reader.inputs[0].shape == gradient.outputs[0].shape:
            yield from (each for each in _readers(evidence, reader) if each.name == "sum")


def _is_held_near_a_number(evidence: Evidence, layer: Layer) -> bool:
    """Whether a number is taken from the root of what a node gives."""
    waiting, has_root = [layer], layer.name == "norm"
    while waiting:
        for reader in _readers(evidence, waiting.pop()):
            has_root = has_root or reader.name == "sqrt"
            if reader.name == "sub" and has_root and len(evidence.edges_into[reader.id]) == 1:
                return True
            if reader.name in _ON_THE_WAY:
                waiting.append(reader)
    return False


def _readers(evidence: Evidence, layer: Layer) -> Iterator[Layer]:
    for edge in evidence.edges_out.get(layer.id, ()):
        reader = evidence.layer(edge.target)
        if reader is not None:
            yield reader


def _diagnosis(layer: Layer, axes: tuple[int, ...]) -> Diagnosis:
    given, made = layer.inputs[0], layer.outputs[0]
    wanted = list(range(1, len(given.shape)))
    over = ", ".join(map(str, axes)) if len(axes) < len(given.shape) else "all axes"
    text = along(layer.source, axes[0], len(given.shape), wanted) if len(axes) == 1 else None
    call = call_of(layer.source)
    name = call.func.attr if call is not None and isinstance(call.func, ast.Attribute) else layer.name
    said = finding_at(
        "SW643",
        layer,
        f"{place_text(layer)} adds up the squares of the gradient {shape_text(given)} over {over} and gives "
        f"{made.shape}: its root is not the length of the gradient of a sample. That takes all axes of a sample, "
        f"{wanted}, and is one number for each of {given.shape[0]}, {given.shape[:1]}.",
        fix=text or f"axis={wanted}",
        axis=axes[0],
        axis_name="axes of a sample",
        expected=given.shape[:1],
        got=made.shape,
    )
    apart = reduced_over(layer, wanted) if len(axes) == len(given.shape) else None
    edit = EditExpression(layer.source, text) if text and layer.source is not None else apart
    remedies = (edit,) if edit is not None else ()
    return Diagnosis(replace(said, op=name), remedies)
