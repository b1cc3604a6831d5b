"""Metrics that read something else out of the outputs than stands in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_remedies import reduced_along
from shapewidget.diagnosis.chains import axis_argument
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import finding
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.diagnosis.written_loss import has_weights_behind
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import Remedy, ReplaceLoss, Together

_EXTREMES = frozenset(("argmax", "arg_max", "argmin", "arg_min"))
_OF_ROWS = {"MeanIoU": "OneHotMeanIoU", "IoU": "OneHotIoU"}


def scores_read_as_ids(evidence: Evidence) -> Iterator[Diagnosis]:
    """A metric of class ids that is given scores: it cuts each to a whole number, and calls that the class."""
    for layer in evidence.graph.layers:
        classes = layer.settings.get("classes")
        if layer.kind is LayerKind.LOSS and layer.settings.get("cuts_scores") and isinstance(classes, int):
            yield _cut(layer, classes)


def classes_of_batch_compared(evidence: Evidence) -> Iterator[Diagnosis]:
    """The largest value looked for along the batch, in outputs and in targets, and the two compared as classes."""
    for layer in evidence.graph.layers:
        if layer.name not in ("equal", "eq") or len(layer.inputs) != 2:
            continue
        found = [_extreme(evidence, layer, place) for place in (0, 1)]
        made = [each for each in found if each is not None]
        if len(made) == 2 and made[0].inputs[0].shape == made[1].inputs[0].shape and made[0].inputs[0].shape[0] > 1:
            learned = [has_weights_behind(evidence.graph, each.id, 0) for each in made]
            if learned.count(True) == 1:
                yield _over_batch(made)


def _extreme(evidence: Evidence, layer: Layer, place: int) -> Layer | None:
    """The argmax along the first of two axes, or of no axis, that made one side of a comparison."""
    node = evidence.producer(layer.id, place)
    while node is not None and node.name in ("cast", "to", "long", "int"):
        node = evidence.producer(node.id, 0)
    is_found = node is not None and node.name in _EXTREMES and bool(node.inputs) and len(node.inputs[0].shape) == 2
    if node is None or not is_found or not node.outputs:
        return None
    is_of_all = axis_argument(node) is None and node.outputs[0].shape == ()
    return node if is_of_all or axis_argument(node) == 0 else None


def _over_batch(made: Sequence[Layer]) -> Diagnosis:
    first, given = made[0], made[0].inputs[0]
    edits = [edit for each in made if (edit := reduced_along(each, (-1,))) is not None]
    samples, classes = given.shape
    over = f"along axis 0, the {samples} samples" if axis_argument(first) == 0 else f"over all {samples} x {classes}"
    reason = (
        f"{place_text(first)} looks for the largest of {shape_text(given)} {over}, and so of the other of outputs and "
        f"targets: what is compared is which sample has the most of a class. The class of each sample is along axis 1, "
        f"the {classes} classes."
    )
    said = finding_at(
        "SW603", first, reason, fix="; ".join(edit.replacement for edit in edits) or "argmax(..., axis=-1)", axis=0,
        axis_name="batch", expected=f"axis 1 ({classes} classes)", got=f"axis 0 ({samples} samples)",
    )  # fmt: skip
    return Diagnosis(said, (Together(tuple(edits)),) if len(edits) == 2 else ())


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
    fix = f"{layer.type}(..., sparse_y_pred=False)"
    remedies: tuple[Remedy, ...] = (ReplaceLoss(layer.type, layer.type, (("sparse_y_pred", False),)),)
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
