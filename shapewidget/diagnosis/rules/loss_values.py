"""Losses of probabilities, of their logarithms, of scores and of signs, that are given values of another kind."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import receiver_of
from shapewidget.diagnosis.findings import Finding
from shapewidget.diagnosis.loss_remedies import adapted_call
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import ClashKind, Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, ReplaceLayer, SetArgument
from shapewidget.graph.steps import Step, Steps

_SOFTMAX = frozenset(("softmax", "Softmax", "Softmax2d"))
_SIGMOID = frozenset(("sigmoid", "Sigmoid"))
_OF_SCORES = frozenset(("BCEWithLogitsLoss", "binary_cross_entropy_with_logits"))
_OF_PROBABILITIES = ("Dice", "Tversky", "CategoricalGeneralizedCrossEntropy")
"""Losses of Keras that take probabilities and cannot be told that they get scores."""
_ACTIVATIONS = {"Poisson": "softplus"}
_ON_THE_WAY = frozenset(
    "squeeze unsqueeze view reshape flatten transpose permute contiguous float index Flatten Identity".split()
)


def values_of_another_range(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss whose outputs or targets have values that it cannot mean, or that are normalised once more."""
    refused = {clash.layer_id: clash for clash in evidence.clashes if clash.kind is ClashKind.RANGE}
    for layer in evidence.graph.layers:
        if layer.kind is not LayerKind.LOSS or not layer.inputs:
            continue
        clash = refused.get(layer.id)
        if clash is not None:
            which = ("outputs", "targets")[clash.input]
            yield _said(evidence, layer, which, str(clash.expected), str(clash.got), code="SW405")
        elif "values of" in layer.settings and layer.id not in evidence.clash_at:
            which, taken, given = (str(layer.settings[f"values {name}"]) for name in ("of", "taken", "given"))
            yield _said(evidence, layer, which, taken, given)
        elif layer.type in _OF_SCORES:
            made = _normalised_by(evidence, layer, _SIGMOID)
            if made is not None:
                yield _said(evidence, layer, "outputs", "scores", "probabilities")


def is_of_data(finding: Finding) -> bool:
    """Whether a finding is about values of the user's targets, which no change of a program brings about."""
    return finding.code in ("SW310", "SW405") and finding.input == 1


def _said(evidence: Evidence, layer: Layer, which: str, taken: str, given: str, *, code: str = "SW310") -> Diagnosis:
    place = which == "targets"
    made = _normalised_by(evidence, layer, _SOFTMAX | _SIGMOID) if taken == "scores" else None
    spec = layer.inputs[place] if place < len(layer.inputs) else layer.inputs[0]
    relation = "from" if taken == "0 to 1" else "that are"
    reason = f"This is no shape problem: {place_text(layer)} takes {which} {relation} {taken}, and is given {given}"
    reason += f", {shape_text(spec)}."
    if taken == "scores":
        of = f" that {place_text(made)} made" if made is not None else ""
        reason += f" It makes probabilities of them itself: those{of} are flattened once more, and learn slowly."
    said = finding_at(
        code, layer, reason, fix=_fix(layer, which, taken, made), expected=taken, got=given, input=int(place)
    )
    return Diagnosis(said, tuple(_remedies(evidence, layer, which, taken, given, made)))


def _normalised_by(evidence: Evidence, layer: Layer, types: frozenset[str]) -> Layer | None:
    node = evidence.producer(layer.id, 0)
    while node is not None and node.type in _ON_THE_WAY:
        node = evidence.producer(node.id, 0)
    return node if node is not None and node.type in types else None


def _activation(evidence: Evidence, layer: Layer, which: str) -> Iterator[Remedy]:
    """The last layer of Keras with the activation that makes probabilities of its scores."""
    maker = evidence.producer(layer.id, 0)
    if which == "outputs" and maker is not None and maker.path and maker.settings.get("activation") in ("linear", None):
        sets = layer.type.startswith("Binary") or layer.type in ("Dice", "Tversky")
        yield SetArgument(maker.path, "activation", _ACTIVATIONS.get(layer.type, "sigmoid" if sets else "softmax"))


def _steps(layer: Layer, which: str, taken: str, given: str) -> Steps:
    """What makes of the values those that are taken."""
    if taken == "-1 and 1":
        return (Step("mul", (2,)), Step("sub", (1,)))
    if which == "outputs" and taken.startswith("logarithms"):
        axis = 1 if "nll" in layer.type.lower() else -1
        return (Step("log") if given.startswith("probabilities") else Step("log_softmax", (axis,)),)
    return (Step("sigmoid"),) if which == "outputs" and taken == "0 to 1" else ()


def _fix(layer: Layer, which: str, taken: str, made: Layer | None) -> str:
    if taken == "scores":
        return f"hand it what goes into `{made.path or made.name}`" if made is not None else "hand it the scores"
    if which == "outputs" and layer.type in _ACTIVATIONS:
        return f"an activation that gives nothing below 0: {_ACTIVATIONS[layer.type]}, or exp"
    if which == "outputs" and layer.type in _OF_PROBABILITIES:
        return "a sigmoid or softmax before it"
    if which == "outputs" and "takes" in layer.settings:
        return f"{layer.type}(from_logits=True), or a softmax or sigmoid before it"
    if which == "outputs" and taken == "0 to 1":
        return "BCEWithLogitsLoss, which takes scores, or a sigmoid before it"
    if which == "outputs":
        return "log_softmax before it"
    return "targets of -1 and 1: 2 * targets - 1" if taken == "-1 and 1" else f"targets: {taken}"


def _remedies(
    evidence: Evidence, layer: Layer, which: str, taken: str, given: str, made: Layer | None
) -> Iterator[Remedy]:
    if made is not None and made.kind is LayerKind.LAYER and made.path:
        yield ReplaceLayer(made.path, "Identity")
    elif made is not None and made.source is not None:
        receiver = receiver_of(made.source, made.name)
        if receiver is not None:
            yield EditExpression(made.source, receiver)
    if "takes" in layer.settings:
        yield from _activation(evidence, layer, which)
        return
    steps = _steps(layer, which, taken, given)
    if steps:
        yield from adapted_call(evidence, layer, (steps, ()) if which == "outputs" else ((), steps))
