"""Losses that run where an axis of one output, or of one class, is read as something else."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.batch_axis import BATCH
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.layer_remedies import of_width, width_maker
from shapewidget.diagnosis.loss_search import is_of_classes
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.dims import Dim, constant
from shapewidget.graph.records import Layer, LayerKind

_OF_NUMBERS = frozenset(
    "MSELoss L1Loss SmoothL1Loss HuberLoss mse_loss l1_loss smooth_l1_loss huber_loss "
    "MultiLabelSoftMarginLoss multilabel_soft_margin_loss".split()
)
_ONE = constant(1)


def one_target_for_several(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss of numbers that repeats one target over several outputs of its sample, or one row over all samples."""
    for layer in evidence.graph.layers:
        if layer.kind is not LayerKind.LOSS or layer.type not in _OF_NUMBERS or len(layer.inputs) < 2:
            continue
        outputs, targets = (spec.dims or () for spec in layer.inputs[:2])
        is_given = evidence.is_targets(evidence.producer(layer.id, 1))
        axis = _repeated(outputs, targets)
        if layer.id in evidence.clash_at or not is_given or axis is None or outputs[0] != BATCH:
            continue
        yield _said(evidence, layer, axis)


def _repeated(outputs: tuple[Dim, ...], targets: tuple[Dim, ...]) -> int | None:
    """The one axis along which targets of the samples are repeated."""
    if not outputs or len(targets) != len(outputs):
        return None
    odd = [axis for axis, (one, other) in enumerate(zip(outputs, targets, strict=True)) if one != other]
    return odd[0] if len(odd) == 1 and odd[0] > 0 and targets[odd[0]] == _ONE and outputs[odd[0]] != _ONE else None


def _said(evidence: Evidence, layer: Layer, axis: int) -> Diagnosis:
    outputs, targets = layer.inputs[:2]
    reason = (
        f"{place_text(layer)} is given outputs {shape_text(outputs)} and targets {shape_text(targets)}: the one target "
        f"on axis {axis} is repeated, and each of the {outputs.shape[axis]} outputs is trained to give the same."
    )
    maker = width_maker(evidence, layer)
    remedy = of_width(maker, 1) if axis == len(outputs.shape) - 1 else None
    said = finding_at(
        "SW311", layer, reason, fix=f"one output where there is one target, or {outputs.shape[axis]} targets",
        axis=axis, axis_name="outputs", expected=targets.shape, got=outputs.shape,
    )  # fmt: skip
    return Diagnosis(said, (remedy,) if remedy is not None else ())


def one_class(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss of classes on a single output: its probability is always 1."""
    for layer in evidence.graph.layers:
        is_read = layer.kind is LayerKind.LOSS and "takes" not in layer.settings and is_of_classes(layer.type)
        if not is_read or layer.id in evidence.clash_at or not layer.inputs or "cross" not in layer.type.lower():
            continue
        outputs = layer.inputs[0]
        if len(outputs.shape) > 1 and outputs.shape[1] == 1:
            reason = (
                f"{place_text(layer)} compares classes along axis 1 and takes at least 2, but it is given "
                f"{shape_text(outputs)} with 1: of one class the probability is always 1, and the loss always 0."
            )
            yield Diagnosis(
                finding_at(
                    "SW304", layer, reason, fix="BCEWithLogitsLoss for yes and no, or one output for each class",
                    axis=1, axis_name="classes", expected=">= 2", got=1,
                )
            )  # fmt: skip
