"""Losses and metrics against the form of targets that they take: class ids, one-hot rows, or the outputs' own shape.

Only of nodes that say what they take; (n,) and (n, 1) are the same to these.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.layer_remedies import flattened
from shapewidget.diagnosis.rules.folded import fold_behind
from shapewidget.diagnosis.rules.time_axis import recurrent_cause
from shapewidget.diagnosis.target_order import (
    IDS,
    ROWS,
    SAME,
    bare,
    fits,
    order_text,
    says_what_it_takes,
    targets_of_another,
)
from shapewidget.diagnosis.target_remedies import (
    one_class_remedies,
    own_loss_remedies,
    per_sample_remedies,
    target_remedies,
    weight_remedies,
)
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Clash, ClashKind, Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, ExchangeTargets

Shape = tuple[int, ...]


def targets_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss that raised because of targets or weights."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is not None and layer.settings.get("takes") == "its own" and clash.input == 2:
            yield _of_own_loss(evidence, clash, layer)
        if (
            layer is None
            or not says_what_it_takes(layer)
            or clash.kind is not ClashKind.SIZE
            or recurrent_cause(evidence, clash)
        ):
            continue
        if fold_behind(evidence, clash, layer) is not None:
            continue
        if clash.input == 2:
            yield Diagnosis(_weights(clash, layer), tuple(weight_remedies(clash)))
            continue
        dense, other = _unflattened(evidence, layer), targets_of_another(evidence, layer)
        if other is not None:
            yield _in_another_order(_refused(layer), layer, other)
        elif dense is not None:
            yield Diagnosis(_never_flattened(layer, dense), tuple(flattened(dense, len(dense.inputs[0].shape) - 1)))
        else:
            yield Diagnosis(_refused(layer), tuple(target_remedies(evidence, layer)))


def targets_misread(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss or metric that runs, and compares something else than its author thinks."""
    for layer in evidence.graph.layers:
        if not says_what_it_takes(layer) or layer.id in evidence.clash_at or len(layer.inputs) < 2:
            continue
        outputs, targets = layer.inputs[0].shape, layer.inputs[1].shape
        if layer.settings["takes"] != SAME and outputs[-1:] == (1,):
            yield Diagnosis(_one_class(evidence, layer), tuple(one_class_remedies(layer)))
        elif -1 not in outputs and -1 not in targets and not fits(str(layer.settings["takes"]), targets, outputs):
            dense, other = _unflattened(evidence, layer), targets_of_another(evidence, layer)
            if other is not None:
                yield _in_another_order(_misread(layer), layer, other)
                continue
            merged = flattened(dense, len(dense.inputs[0].shape) - 1) if dense is not None else ()
            yield Diagnosis(_misread(layer), (*merged, *target_remedies(evidence, layer)))


def weights_without_effect(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss that is one number for the whole batch, and weights that are to weigh samples."""
    for layer in evidence.graph.layers:
        weights = layer.settings.get("weights")
        if layer.settings.get("values") != () or not isinstance(weights, tuple) or not weights or not layer.inputs:
            continue
        samples = layer.inputs[0].shape[:1]
        yield Diagnosis(
            _at_loss(
                "SW307",
                layer,
                f"{place_text(layer)} gives () for a batch of {samples[0]}: it is averaged over the samples before the "
                f"weights {weights} are applied, so they only scale the whole loss. Expected one loss a sample, "
                f"{samples}.",
                fix="average over the last axis only: mean(..., axis=-1)",
                axis=0,
                axis_name="batch",
                expected=samples,
                got=(),
            ),
            tuple(per_sample_remedies(evidence, layer)),
        )


def _at_loss(code: str, layer: Layer, reason: str, **details: object) -> Finding:
    details.setdefault("op", layer.name)
    return finding(code, "loss", layer.name, reason, source=layer.source, layer_id=layer.id, **details)


def _refused(layer: Layer) -> Finding:
    outputs, targets = layer.inputs[:2]
    form = str(layer.settings["takes"])
    wanted = outputs.shape[:-1] if form == IDS else outputs.shape
    what, fix = _said(form, layer, targets.shape, outputs.shape)
    axis = next((axis for axis, (a, b) in enumerate(zip(targets.shape, wanted, strict=False)) if a != b), None)
    axis = axis if axis is not None else min(len(wanted), len(targets.shape)) or None
    reason = (
        f"{place_text(layer)} takes {what} of shape {wanted} for outputs {shape_text(outputs)}, and is given targets "
        f"{shape_text(targets)}."
    )
    if layer.settings.get("counts_from_one"):
        classes = outputs.shape[-1]
        reason += f" No target is of class 0, and some are of class {classes}: the labels are counted from 1."
        reason += " Subtract 1 before they are made one-hot."
        fix = f"subtract 1 before the labels are made one-hot: to_categorical(labels - 1, {classes})"
    name = "batch" if axis == 0 else "classes" if form != SAME else "outputs"
    at = {"axis": axis, "axis_name": name, "input": 1}
    return _at_loss("SW301", layer, reason, fix=fix, expected=wanted, got=targets.shape, **at)


def _said(form: str, layer: Layer, targets: Shape, outputs: Shape) -> tuple[str, str]:
    """What a loss or metric takes, and what to do."""
    if form == ROWS:
        ids = bare(targets) == outputs[:-1]
        return "one-hot rows", f"Sparse{layer.type}(), which takes class ids" if ids else "one row of classes a sample"
    if form == IDS:
        rows = targets == outputs
        other = layer.type.removeprefix("Sparse")
        fix = f"{other}(), which takes one-hot rows" if rows else f"one class id for each of {outputs[:-1]}"
        return "class ids", fix
    return "targets", "give outputs and targets the same shape"


def _weights(clash: Clash, layer: Layer) -> Finding:
    outputs = layer.inputs[0].shape
    values, weights = (sizes if isinstance(sizes, tuple) else () for sizes in (clash.expected, clash.got))
    fix = f"give sample_weight the shape {clash.expected}"
    if values == outputs[:-1] or values == outputs:
        why = f"it has already averaged the last axis of the outputs {outputs}"
    else:
        why = f"of a batch of {outputs[0]} samples with outputs {outputs} it should give one for each sample"
        each, rest = divmod(outputs[0], values[0]) if values and values[0] > 0 else (0, 1)
        fix = f"give each sample its own loss: ops.repeat(loss, {each})" if not rest and each > 1 else fix
    if len(values) == 2 and weights == values[:1]:
        why += f". Weights of one a sample, as class_weight makes them, meet its {values[1]} steps"
        fix = f"{fix}: sample_weight = table[labels], one weight for each step, in place of class_weight"
    return _at_loss(
        "SW306",
        layer,
        f"{place_text(layer)} gives one loss for each of {clash.expected}: {why}. The weights are {clash.got}, and the "
        f"two do not broadcast.",
        fix=fix,
        axis=0 if isinstance(clash.got, tuple) and len(clash.got) == 1 else 1,
        axis_name="weights",
        expected=clash.expected,
        got=clash.got,
        input=min(2, len(layer.inputs) - 1),
    )


def _in_another_order(said: Finding, layer: Layer, other: Layer) -> Diagnosis:
    reason, fix = said.reason + order_text(layer, other), "hand the targets over in the order of the outputs"
    return Diagnosis(replace(said, reason=reason, fix=fix), (ExchangeTargets(layer.name, other.name),))


def _of_own_loss(evidence: Evidence, clash: Clash, layer: Layer) -> Diagnosis:
    """Weights that meet a loss of the user's own, which lost its samples on the way."""
    remedies = (*own_loss_remedies(evidence, clash, layer), *weight_remedies(clash))
    said, edit = _weights(clash, layer), remedies[0] if remedies else None
    return Diagnosis(replace(said, fix=edit.replacement) if isinstance(edit, EditExpression) else said, remedies)


def _one_class(evidence: Evidence, layer: Layer) -> Finding:
    maker = evidence.producer(layer.id, 0)
    place = f"{place_text(maker)} gives" if maker is not None else "it is given"
    form = "SparseCategorical" if layer.settings["takes"] == IDS else "Categorical"
    is_metric = bool(layer.settings.get("metric"))
    binary = "BinaryAccuracy()" if is_metric else "BinaryCrossentropy()"
    return finding(
        "SW304",
        "loss",
        maker.path if maker is not None and maker.path else layer.name,
        f"{place_text(layer)} compares classes along the last axis and takes at least 2, but {place} "
        f"{shape_text(layer.inputs[0])} with 1: of one class the probability is always 1, so it says nothing.",
        fix=f"{binary} instead of {form}..., or one unit for each class",
        op=layer.name,
        axis=len(layer.inputs[0].shape) - 1,
        axis_name="classes",
        expected=">= 2",
        got=1,
        source=layer.source,
        layer_id=layer.id,
    )


def _misread(layer: Layer) -> Finding:
    outputs, targets = layer.inputs[:2]
    form = str(layer.settings["takes"])
    what, fix = _said(form, layer, targets.shape, outputs.shape)
    wanted = outputs.shape[:-1] if form == IDS else outputs.shape
    axis = len(outputs.shape) - 1
    clause = f": axis {axis} should be {outputs.shape[-1]}" if outputs.shape else ", with one number for all"
    return _at_loss(
        "SW305",
        layer,
        f"{place_text(layer)} takes {what} of shape {wanted} for outputs {shape_text(outputs)}, and is given "
        f"{shape_text(targets)}. It raises nothing, and compares what does not belong together{clause}.",
        fix=fix,
        axis=axis if outputs.shape else None,
        axis_name="classes" if form != SAME else "outputs",
        expected=wanted,
        got=targets.shape,
    )


def _unflattened(evidence: Evidence, layer: Layer) -> Layer | None:
    """The first Dense layer that was given an image or sequence of features and kept its axes."""
    outputs, targets = layer.inputs[0].shape, layer.inputs[1].shape
    if len(outputs) < 3 or len(targets) >= len(outputs) - (layer.settings["takes"] == IDS):
        return None
    found, node = None, evidence.producer(layer.id, 0)
    while node is not None and node.inputs and len(node.inputs[0].shape) > 2:
        if node.size("filters") is not None or "pool_size" in node.settings:
            return found
        if "return_sequences" in node.settings:
            return None
        found = node if node.size("units") is not None else found
        node = evidence.producer(node.id, 0)
    return found if node is not None and node.kind is LayerKind.INPUT else None


def _never_flattened(layer: Layer, dense: Layer) -> Finding:
    outputs, targets = layer.inputs[:2]
    return finding(
        "SW113",
        "loss",
        dense.path,
        f"{place_text(dense)} is given {shape_text(dense.inputs[0])} and works on its last axis only, so the axes "
        f"before it reach {place_text(layer)}: outputs {shape_text(outputs)} against targets {shape_text(targets)}.",
        fix=f"put layers.Flatten() or a global pooling layer before `{dense.name}`",
        op=layer.name,
        axis=1,
        axis_name="positions",
        expected=(outputs.shape[0], outputs.shape[-1]),
        got=outputs.shape,
        source=dense.source,
        layer_id=layer.id,
    )
