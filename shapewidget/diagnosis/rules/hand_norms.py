"""Normalisations written by hand, and gates, that run along the positions of features that an attention gave."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Axes, Role, is_all
from shapewidget.diagnosis.axis_remedies import along_axes, reduced_axes
from shapewidget.diagnosis.chains import axis_argument, maker, readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import along
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument, Together

_DEVIATIONS = frozenset(("std", "var"))
_ON_THE_WAY = frozenset("add sqrt rsqrt clamp pow clamp_min".split())
_GATES = frozenset(("glu", "GLU"))


def normalised_over_steps(evidence: Evidence) -> Iterator[Diagnosis]:
    """Mean and deviation over the steps, taken from the features of tokens: they then depend on tokens to come.

    Statistics over time are what series are scaled by: it has to be the features of embedded ids or of an attention.
    """
    for layer in evidence.graph.layers:
        if layer.name.rstrip("_") != "div" or len(layer.inputs) != 2 or len(layer.inputs[0].shape) != 3:
            continue
        centred, deviation = _centred(evidence, layer), _deviation(evidence, layer)
        mean = evidence.producer(centred.id, 1) if centred is not None and centred.name == "sub" else None
        if centred is None or mean is None or deviation is None or mean.name != "mean":
            continue
        axes, along = evidence.axes_into(mean), reduced_axes(mean)
        if along == reduced_axes(deviation) and _origin(evidence, mean) == _origin(evidence, centred):
            if _are_positions(axes, along) and _is_of_tokens(evidence, mean):
                yield _normalised(mean, deviation, along[0])


def _centred(evidence: Evidence, layer: Layer) -> Layer | None:
    """What is divided, past the gain that it may be multiplied with before."""
    node = evidence.producer(layer.id, 0)
    if node is None or node.name != "mul":
        return node
    factors = [evidence.producer(node.id, place) for place in range(len(node.inputs))]
    return next((each for each in factors if each is not None and each.name == "sub"), None)


def _deviation(evidence: Evidence, layer: Layer) -> Layer | None:
    node = evidence.producer(layer.id, 1)
    while node is not None and node.kind is LayerKind.OPERATION and node.name in _ON_THE_WAY:
        node = evidence.producer(node.id, 0)
    return node if node is not None and node.name in _DEVIATIONS else None


def _origin(evidence: Evidence, layer: Layer) -> tuple[str, int] | None:
    edge = evidence.edge_into(layer.id, 0)
    return (edge.source, edge.output) if edge is not None else None


def _are_positions(axes: Axes, along: tuple[int, ...]) -> bool:
    return len(along) == 1 and is_all(axes[along[0]], Role.POSITIONS) and is_all(axes[-1], Role.FEATURES)


def _is_of_tokens(evidence: Evidence, layer: Layer) -> bool:
    before = (evidence.layer(each) for each in evidence.before(layer.id))
    return any(each is not None and each.type in ("MultiheadAttention", "Embedding") for each in before)


def _normalised(mean: Layer, deviation: Layer, axis: int) -> Diagnosis:
    given = mean.inputs[0]
    last = len(given.shape) - 1
    edits = [
        edit for each in (mean, deviation) for edit in along_axes(each, [last]) if isinstance(edit, EditExpression)
    ]
    remedies: tuple[Remedy, ...] = (Together(tuple(edits)),) if len(edits) == 2 else ()
    reason = (
        f"{place_text(mean)} runs along axis {axis} of {shape_text(given)}, the {given.shape[axis]} steps, and so does "
        f"`{deviation.name}`: every feature is normalised over all steps, so that each step depends on those behind it "
        f"and on the length. The {given.shape[last]} features of a step are on axis {last}."
    )
    said = finding_at(
        "SW613", mean, reason, fix="; ".join(edit.replacement for edit in edits) or "dim=-1", axis=axis,
        axis_name="time", expected=f"dim=-1 ({given.shape[last]} features)",
        got=f"dim={axis} ({given.shape[axis]} steps)",
    )  # fmt: skip
    return Diagnosis(said, remedies)


def gated_along_positions(evidence: Evidence) -> Iterator[Diagnosis]:
    """A GLU that takes half of the positions for the gate, of a tensor whose features are on another axis."""
    for layer in evidence.graph.layers:
        is_by_hand = _gates_by_hand(evidence, layer)
        if not (is_by_hand or layer.type in _GATES) or not layer.inputs or layer.id in evidence.clash_at:
            continue
        axes = evidence.axes_into(layer)
        axis = _axis_cut(layer) if is_by_hand else axis_argument(layer)
        axis = axis if axis is not None else len(axes) - 1
        features = [place for place, each in enumerate(axes) if is_all(each, Role.FEATURES)]
        if is_all(axes[axis], Role.POSITIONS) and len(features) == 1:
            yield _gated(layer, axis, features[0])


def _axis_cut(layer: Layer) -> int | None:
    """The axis that a cut makes shorter, as the sizes tell: its first argument is a number of parts."""
    sizes = zip(layer.inputs[0].shape, layer.outputs[0].shape, strict=True)
    return next((axis for axis, (given, made) in enumerate(sizes) if given != made), None)


def _gates_by_hand(evidence: Evidence, layer: Layer) -> bool:
    """Whether a tensor is cut in two halves, of which one is multiplied with a sigmoid of the other."""
    if layer.name != "chunk" or len(layer.outputs) != 2:
        return False
    gates = [each for each, _ in readers(evidence, layer, 1) if each.name == "mul"]
    return any(_half(evidence, gate, 0) == (layer.id, 0) and _is_sigmoid(evidence, gate) for gate in gates)


def _half(evidence: Evidence, gate: Layer, place: int) -> tuple[str, int] | None:
    made = maker(evidence, gate, place)
    return (made[0].id, made[1]) if made is not None else None


def _is_sigmoid(evidence: Evidence, gate: Layer) -> bool:
    behind = evidence.producer(gate.id, 1)
    return behind is not None and behind.type.lower() == "sigmoid"


def _gated(layer: Layer, axis: int, features: int) -> Diagnosis:
    given = layer.inputs[0]
    reason = (
        f"{place_text(layer)} splits axis {axis} of {shape_text(given)}, the {given.shape[axis]} positions: the second "
        f"half of them is the gate of the first. The {given.shape[features]} features, half of which are "
        f"the gate, are on axis {features}."
    )
    text = along(layer.source, axis, len(given.shape), features)
    remedies: tuple[Remedy, ...] = (EditExpression(layer.source, text),) if text and layer.source is not None else ()
    if layer.kind is LayerKind.LAYER:
        remedies = (SetArgument(layer.path, "dim", features),)
    said = finding_at(
        "SW613", layer, reason, fix=f"dim={features}", axis=axis, axis_name="positions",
        expected=f"dim={features} ({given.shape[features]} features)",
        got=f"dim={axis} ({given.shape[axis]} positions)",
    )  # fmt: skip
    return Diagnosis(said, remedies)
