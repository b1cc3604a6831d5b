"""What a loss is given besides outputs and targets: weights of its classes, and the lengths of CTC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapewidget.diagnosis.counted_classes import counted_over_all
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.loss_search import is_of_classes
from shapewidget.diagnosis.operand_texts import keyword_edited, operands_of
from shapewidget.diagnosis.rules.pair_losses import is_of_several
from shapewidget.diagnosis.target_remedies import classes_remedies
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Clash, ClashKind, Layer, LayerKind
from shapewidget.graph.remedies import AdaptCall, EditExpression, Remedy
from shapewidget.graph.steps import Step, written

CTC = frozenset(("CTCLoss", "ctc_loss"))
_INPUT_LENGTHS = 2
"""The place of the input lengths among the arguments."""
_BROADCAST = ("pos_weight", "weight")
_BEHIND_CLASSES = 2
_OF_LABELS = 2
"""So many axes have rows of labels."""


def is_about_arguments(layer: Layer, clash: Clash) -> bool:
    """Whether a loss refused something else than its targets."""
    return layer.type in CTC or (clash.input == 2 and "takes" not in layer.settings and not is_of_several(layer))


def loss_argument_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss that raised because of the number of its weights or lengths."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or layer.kind is not LayerKind.LOSS:
            continue
        if clash.kind is ClashKind.INDEX and layer.type in CTC and isinstance(clash.got, int):
            yield _more_steps(clash, layer, clash.got)
        if clash.kind is ClashKind.SIZE and len(layer.inputs) > 1 and is_about_arguments(layer, clash):
            if layer.type in CTC:
                yield _lengths(evidence, clash, layer)
            else:
                is_listed = is_of_classes(layer.type) or layer.type.lower().startswith("multi")
                yield _weights(evidence, clash, layer) if is_listed else _broadcast_weights(clash, layer)


def label_sequences_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss of Keras that aligns rows of labels with the steps of its outputs, and raised because of their shapes."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or layer.settings.get("takes") != "label sequences" or len(layer.inputs) < 2:
            continue
        outputs, targets = layer.inputs[:2]
        if clash.kind is ClashKind.SIZE and clash.input == 0:
            reason = (
                f"{place_text(layer)} takes scores of (samples, steps, classes), and is given {shape_text(outputs)}: "
                "the outputs need a row of scores for every step."
            )
            fix = "keep the axis of steps: no pooling before the loss"
            yield Diagnosis(_said("SW301", clash, layer, reason, fix, "steps"))
        elif clash.kind is ClashKind.SIZE and clash.input == 1:
            is_of_batch = len(targets.shape) == _OF_LABELS
            reason = (
                f"{place_text(layer)} takes a row of labels for each of the {outputs.shape[0]} samples, (samples, "
                f"labels) of class numbers, and is given targets {shape_text(targets)}."
            )
            expected, got = (outputs.shape[0], targets.shape[0]) if is_of_batch else (_OF_LABELS, len(targets.shape))
            at = replace(clash, axis=0 if is_of_batch else None, expected=expected, got=got)
            fix = "give as many rows of labels as there are samples"
            fix = fix if is_of_batch else "give class numbers of shape (samples, labels), filled up with 0"
            yield Diagnosis(_said("SW301", at, layer, reason, fix, "batch" if is_of_batch else "labels"))


def _weights(evidence: Evidence, clash: Clash, layer: Layer) -> Diagnosis:
    outputs = layer.inputs[0]
    reason = (
        f"{place_text(layer)} is given {clash.got} class weights, and the outputs {shape_text(outputs)} have "
        f"{clash.expected} classes on axis {min(1, len(outputs.shape) - 1)}: it takes one weight for each class."
    )
    fix = f"give {clash.expected} weights, one a class, or as many outputs as there are weights"
    remedies: tuple[Remedy, ...] = ()
    if isinstance(clash.got, int) and isinstance(clash.expected, int):
        counted = tuple(counted_over_all(evidence, layer, clash.input, clash.expected))
        remedies = counted or tuple(classes_remedies(evidence, layer, clash.got))
        reason += " Only the classes that occur among the labels were counted." if counted else ""
        fix = counted[0].replacement if counted else fix
    return Diagnosis(_said("SW306", clash, layer, reason, fix, "classes"), remedies)


def _broadcast_weights(clash: Clash, layer: Layer) -> Diagnosis:
    """One weight a class, which broadcasts against the last axis, where the classes stand on axis 1."""
    outputs = layer.inputs[0]
    shape, behind = outputs.shape, len(outputs.shape) - _BEHIND_CLASSES
    reason = (
        f"{place_text(layer)} broadcasts its weights from the last axis of {shape_text(outputs)}: "
        f"{clash.got} weights meet {clash.expected} on axis {clash.axis}."
    )
    if behind < 1 or clash.got != shape[1]:
        fix = f"give {shape[-1] if behind < 1 else shape[1]} weights, one a class"
        return Diagnosis(_said("SW306", clash, layer, reason, fix, "weights"))
    steps = (Step("view", (-1, *[1] * behind)),)
    reason += f" The {clash.got} classes are axis 1, so the weights need {behind} more axes behind."
    fix = written(steps, "weight")
    edits = (keyword_edited(layer.source, name, lambda text: written(steps, text)) for name in _BROADCAST)
    calls = (AdaptCall(weights=steps, name=name) for name in _BROADCAST)
    return Diagnosis(
        _said("SW306", clash, layer, reason, fix, "weights"), (*(each for each in edits if each is not None), *calls)
    )


def _lengths(evidence: Evidence, clash: Clash, layer: Layer) -> Diagnosis:
    outputs = layer.inputs[0]
    shape = shape_text(outputs)
    if clash.input == 0:
        reason = (
            f"{place_text(layer)} takes log-probabilities of (steps, samples, classes) and reads {shape} as "
            f"{clash.got} samples, but it is told the lengths of {clash.expected}: the batch stands in front."
        )
        fix, text = "log_probs.transpose(0, 1)", "{0}.transpose(0, 1)"
    else:
        which = "input lengths" if clash.input == 2 else "target lengths"
        samples = size_text(clash.expected, (outputs.dims or (None, None))[1])
        reason = (
            f"{place_text(layer)} takes log-probabilities of (steps, samples, classes): {shape} holds {samples} "
            f"samples on axis 1, but it is given {clash.got} {which}. It takes one a sample."
        )
        fix = "torch.full((log_probs.size(1),), log_probs.size(0))"
        text = "torch.full(({0}.size(1),), {0}.size(0), dtype=torch.long)" if clash.input == 2 else ""
    remedies = tuple(_edited(layer, clash.input, text))
    return Diagnosis(_said("SW301", clash, layer, reason, fix, "batch"), remedies)


def _more_steps(clash: Clash, layer: Layer, longest: int) -> Diagnosis:
    """Lengths of the inputs of a model that leaves fewer steps, as a convolution with strides does."""
    outputs, steps = layer.inputs[0], layer.inputs[0].shape[0]
    factor, operands = -(-longest // steps), operands_of(layer)
    lengths = operands.text(_INPUT_LENGTHS) if operands is not None and len(operands) > _INPUT_LENGTHS else "lengths"
    text = f"({lengths} + {factor - 1}) // {factor}"
    reason = (
        f"{place_text(layer)} takes log-probabilities of (steps, samples, classes): {shape_text(outputs)} holds "
        f"{steps} steps on axis 0, but the input lengths go up to {longest}. They have to count the steps that the "
        f"model gives, one for {factor} of those that it is given, and not its inputs."
    )
    said = _said("SW301", replace(clash, expected=steps), layer, reason, text, "steps")
    return Diagnosis(said, tuple(_edited(layer, _INPUT_LENGTHS, text)))


def _edited(layer: Layer, place: int, text: str) -> Iterator[EditExpression]:
    operands = operands_of(layer)
    if operands is not None and len(operands) > place and text:
        yield operands.edit({place: text.format(operands.text(0))})


def _said(code: str, clash: Clash, layer: Layer, reason: str, fix: str, axis_name: str) -> Finding:
    return finding(
        code,
        "loss",
        layer.path or layer.name,
        reason,
        fix=fix,
        op=None if layer.path else layer.name,
        axis=clash.axis,
        axis_name=axis_name,
        expected=clash.expected,
        got=clash.got,
        source=layer.source,
        layer_id=layer.id,
        input=clash.input if clash.input < len(layer.inputs) else 0,
    )
