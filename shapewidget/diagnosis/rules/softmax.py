"""Softmax along another axis than its weights are used along."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_remedies import along_axes
from shapewidget.diagnosis.batch_axis import BATCH
from shapewidget.diagnosis.chains import axis_argument, maker, readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import along
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression

_SOFTMAX = frozenset(("softmax", "Softmax", "log_softmax", "LogSoftmax"))
_PRODUCTS = frozenset(("matmul", "bmm"))


def attention_over_the_wrong_axis(evidence: Evidence) -> Iterator[Diagnosis]:
    """Weights that add up to 1 over another axis than the product behind them sums."""
    for layer in evidence.graph.layers:
        axis = axis_argument(layer)
        if layer.type not in _SOFTMAX or axis is None:
            continue
        spec = layer.inputs[0]
        rank, dims = len(spec.shape), spec.dims or ()
        for reader, place in readers(evidence, layer):
            if reader.name not in _PRODUCTS or rank < 3 or len(dims) != rank or dims[-1] != dims[-2]:
                continue
            summed = rank - 1 if place == 0 else rank - 2
            if axis != summed and not (axis < rank - 2 and len(reader.inputs[1 - place].shape) != rank):
                yield _weights(layer, reader, axis, summed)


def _weights(layer: Layer, reader: Layer, axis: int, summed: int) -> Diagnosis:
    spec = layer.inputs[0]
    text = along(layer.source, axis, len(spec.shape), summed - len(spec.shape))
    reason = (
        f"{place_text(layer)} makes the weights {shape_text(spec)} add up to 1 along axis {axis}, but "
        f"{place_text(reader)} "
        f"sums them along axis {summed}: the weights of one sum do not add up to 1."
    )
    return Diagnosis(
        finding_at(
            "SW608",
            layer,
            reason,
            fix=text or f"softmax(..., dim={summed - len(spec.shape)})",
            axis=axis,
            axis_name="attention weights",
            expected=f"dim={summed}",
            got=f"dim={axis}",
        ),
        (EditExpression(layer.source, text),) if text and layer.source is not None else (),
    )


def softmax_of_one_value(evidence: Evidence) -> Iterator[Diagnosis]:
    """A softmax along an axis of size 1: it gives 1 whatever comes in."""
    for layer in evidence.graph.layers:
        axis = axis_argument(layer)
        dims = layer.inputs[0].dims if layer.inputs else None
        if layer.type not in _SOFTMAX or axis is None or dims is None or not dims[axis].is_constant:
            continue
        if dims[axis].offset == 1 and _is_made_single(evidence, layer, axis):
            gives = 0 if "log" in layer.type.lower() else 1
            wide = [place for place, size in enumerate(layer.inputs[0].shape) if size > 1 and dims[place] != BATCH]
            reason = (
                f"{place_text(layer)} runs along axis {axis} of {shape_text(layer.inputs[0])}, which has size 1: it "
                f"gives "
                f"{gives} whatever its input is."
            )
            fix = f"dim={wide[-1]}" if wide else "sigmoid instead of softmax for a single output"
            yield Diagnosis(
                finding_at(
                    "SW609", layer, reason, fix=fix, axis=axis, expected="an axis of several values", got="size 1"
                ),
                tuple(along_axes(layer, wide[::-1])),
            )


def _is_made_single(evidence: Evidence, layer: Layer, axis: int) -> bool:
    """Whether the program makes the axis that small, and not data of which there happens to be one."""
    made = maker(evidence, layer)
    if made is not None and 1 in (made[0].size("out_features"), made[0].size("units")):
        return axis == len(layer.inputs[0].shape) - 1
    before = evidence.before(layer.id)
    given = [each for each in evidence.graph.layers if each.kind is LayerKind.INPUT and each.id in before]
    return not any(1 in spec.shape[1:] for each in given for spec in each.outputs)
