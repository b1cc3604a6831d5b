"""Positions that a reshape folds into the batch, so that the loss is given more rows than there are targets."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import along
from shapewidget.diagnosis.fold_remedies import fold_remedies
from shapewidget.diagnosis.loss_search import dims_of
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.rules.reshape import is_reshape
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Clash, ClashKind, Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument

REPEATING = frozenset(("repeat", "tile", "repeat_interleave"))


def folded_into_batch(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss whose outputs have several rows for each target, told at the reshape that made them."""
    for clash in evidence.clashes:
        loss = evidence.layer(clash.layer_id)
        if loss is None or (fold := fold_behind(evidence, clash, loss)) is None:
            continue
        if _is_join(fold):
            yield _joined(fold, loss)
            continue
        rows, samples = loss.inputs[0].shape[0], loss.inputs[1].shape[0]
        given, made = fold.inputs[0], fold.outputs[0]
        count = rows // samples
        at = f" at {fold.source}" if fold.source is not None else ""
        time = evidence.graph.sizes.get("T")
        meaning = f"the {count} steps" if count == time else f"{count} positions"
        what = f"{count} copies" if fold.name in REPEATING else meaning
        reason = (
            f"{rows} = {count} x {samples}: {what} of each sample were folded into the batch by "
            f"{place_text(fold)}{at}, which reads {shape_text(given)} as {shape_text(made)}. "
            f"{place_text(loss)} then compares {rows} predictions with {samples} targets."
        )
        yield Diagnosis(
            finding_at(
                "SW303",
                fold,
                reason,
                fix=f"keep the batch on the first axis: {fold.name}({given.shape[0]}, ...)",
                axis=0,
                axis_name="batch",
                expected=samples,
                got=rows,
            ),
            fold_remedies(evidence, fold, loss, count),
        )


def _is_join(layer: Layer) -> bool:
    return (layer.type == "Concatenate" or layer.name == "concat") and len(layer.inputs) > 1


def _is_join_in(evidence: Evidence, layer: Layer) -> bool:
    """Whether tensors are joined within a model: a layer with weights reads what comes of it."""
    if not _is_join(layer):
        return False
    return any(each.parameters and layer.id in evidence.before(each.id) for each in evidence.graph.layers)


def _joined(join: Layer, loss: Layer) -> Diagnosis:
    """Tensors of the same samples that were joined along the batch in a model, and not along their features."""
    rows, samples, rank = loss.inputs[0].shape[0], loss.inputs[1].shape[0], len(join.outputs[0].shape)
    text = (
        along(join.source, 0, rank, -1) if join.kind is LayerKind.OPERATION and operands_of(join) is not None else None
    )
    remedies: tuple[Remedy, ...] = (EditExpression(join.source, text),) if text is not None and join.source else ()
    if join.kind is LayerKind.LAYER and join.path:
        remedies = tuple(SetArgument(join.path, "axis", axis) for axis in (-1, *range(1, rank - 1)))
    reason = (
        f"{place_text(join)} joins {' and '.join(map(shape_text, join.inputs))} along axis 0, the batch: "
        f"{join.outputs[0].shape[0]} rows leave it for {samples} samples. {place_text(loss)} then compares {rows} "
        f"predictions with {samples} targets. The features are on axis {rank - 1}."
    )
    said = finding_at(
        "SW303", join, reason, fix=text or "axis=-1", axis=0, axis_name="batch", expected=samples, got=rows
    )
    return Diagnosis(said, remedies)


def fold_behind(evidence: Evidence, clash: Clash, loss: Layer) -> Layer | None:
    """What folded positions into the batch of what a loss refused: a reshape, or a layer that holds one."""
    if loss.kind is not LayerKind.LOSS or clash.kind is not ClashKind.SIZE or len(loss.inputs) < 2:
        return None
    outputs, targets = loss.inputs[:2]
    if not outputs.shape or not targets.shape or not targets.shape[0]:
        return None
    rows, samples = outputs.shape[0], targets.shape[0]
    if rows <= samples or rows % samples:
        return None
    batch = dims_of(targets)[0]
    before = evidence.before(loss.id)
    folds = [
        layer
        for layer in evidence.graph.layers
        if layer.id in before
        and (
            is_reshape(layer)
            or layer.name in REPEATING
            or layer.kind is LayerKind.LAYER
            or _is_join_in(evidence, layer)
        )
        and layer.outputs
        and layer.inputs
        and len(layer.outputs[0].shape) > 0
        and layer.outputs[0].shape[0] == rows
        and layer.inputs[0].shape[:1] != (rows,)
        and dims_of(layer.inputs[0])[0] == batch
    ]
    return folds[-1] if folds else None
