"""Metrics that read something else out of the outputs than stands in them."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import finding
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import Remedy, ReplaceLoss

_OF_ROWS = {"MeanIoU": "OneHotMeanIoU", "IoU": "OneHotIoU"}


def scores_read_as_ids(evidence: Evidence) -> Iterator[Diagnosis]:
    """A metric of class ids that is given scores: it cuts each to a whole number, and calls that the class."""
    for layer in evidence.graph.layers:
        classes = layer.settings.get("classes")
        if layer.kind is LayerKind.LOSS and layer.settings.get("cuts_scores") and isinstance(classes, int):
            yield _cut(layer, classes)


def _cut(layer: Layer, classes: int) -> Diagnosis:
    outputs, targets = layer.inputs[:2]
    has_rows = outputs.shape[-1] == classes
    are_rows = has_rows and targets.shape == outputs.shape
    wanted = outputs.shape[:-1] if has_rows else outputs.shape
    given = f" and the one-hot targets {shape_text(targets)} classes 0 and 1" if are_rows else ""
    reason = (
        f"{place_text(layer)} takes class ids, {wanted} of them from 0 to {classes - 1}, and is given the scores "
        f"{shape_text(outputs)}. It cuts every score to a whole number: probabilities below 1 become class 0{given}, "
        "so that the metric does not move while the model learns."
    )
    other = _OF_ROWS.get(layer.type)
    fix, remedies = f"{layer.type}(..., sparse_y_pred=False)", tuple[Remedy, ...]()
    if not has_rows:
        fix = "BinaryIoU(threshold=0.5)" if classes == 2 else "give it class ids"
        remedies = (ReplaceLoss(layer.type, "BinaryIoU"),) if classes == 2 else ()
    elif are_rows and other is not None:
        fix, remedies = f"{other}(num_classes={classes})", (ReplaceLoss(layer.type, other),)
    return Diagnosis(
        finding(
            "SW642",
            "loss",
            layer.name,
            reason,
            fix=fix,
            op=layer.name,
            axis=len(outputs.shape) - 1,
            axis_name="classes",
            expected=wanted,
            got=outputs.shape,
            source=layer.source,
            layer_id=layer.id,
        ),
        remedies,
    )
