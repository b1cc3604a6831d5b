"""Steps that a layer has read from the end, and gives from the end, put together with steps from the start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import Severity
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, HandOver, Remedy
from shapewidget.graph.steps import Step

_MERGES = frozenset("Add Multiply Average Maximum Minimum Subtract Concatenate add sub mul concat".split())
_KEEPS_ORDER = frozenset(
    "Dense Dropout SpatialDropout1D Activation ReLU LeakyReLU LayerNormalization BatchNormalization Embedding Masking "
    "TimeDistributed LSTM GRU SimpleRNN Conv1D GaussianNoise GaussianDropout".split()
)


def backward_steps_meet_forward(evidence: Evidence) -> Iterator[Diagnosis]:
    """What a recurrent layer gives that goes backwards, merged step by step with what is in the order of the input.

    Joined side by side it is a note: layers behind may be taught with it, and what each step knows is only unexpected.
    """
    for layer in evidence.graph.layers:
        if layer.settings.get("go_backwards") is not True or layer.settings.get("return_sequences") is not True:
            continue
        if "merge_mode" in layer.settings or not layer.outputs or layer.id in evidence.clash_at:
            continue
        for merge, place in _merges(evidence, layer):
            others = [other for other in range(len(merge.inputs)) if other != place]
            turns = [_turns(evidence, merge, other) for other in others]
            if 0 in turns and merge.id not in evidence.clash_at:
                yield _said(layer, merge, place, others[turns.index(0)])


def _merges(evidence: Evidence, layer: Layer) -> Iterator[tuple[Layer, int]]:
    """Where the steps meet other steps, with only layers in between that keep their order."""
    for edge in evidence.edges_out.get(layer.id, ()):
        reader = evidence.layer(edge.target)
        if reader is None or edge.output or edge.input >= len(reader.inputs) or not reader.outputs:
            continue
        if reader.type in _MERGES and len(reader.inputs) > 1:
            if len(reader.outputs[0].shape) == 3 and _is_step_by_step(reader):
                yield reader, edge.input
        elif _keeps_order(reader):
            yield from _merges(evidence, reader)


def _is_step_by_step(merge: Layer) -> bool:
    """Whether it puts together what stands at one step: along the features, or value by value."""
    axis = merge.settings.get("axis")
    return len({spec.shape[:2] for spec in merge.inputs}) == 1 and axis in (None, -1, 2)


def _keeps_order(layer: Layer) -> bool:
    is_turned = layer.settings.get("go_backwards") is True
    is_vector = layer.settings.get("return_sequences") is False
    return layer.kind is LayerKind.LAYER and layer.type in _KEEPS_ORDER and not is_turned and not is_vector


def _turns(evidence: Evidence, merge: Layer, place: int) -> int | None:
    """How many layers turned the order of the steps of an input round; None where something is not known."""
    node, turns = evidence.producer(merge.id, place), 0
    while node is not None and node.kind is not LayerKind.INPUT:
        if node.settings.get("go_backwards") is True and node.settings.get("return_sequences") is True:
            turns += 1
        elif not _keeps_order(node) and "merge_mode" not in node.settings:
            return None
        node = evidence.producer(node.id, 0)
    return turns if node is not None else None


def _said(layer: Layer, merge: Layer, place: int, other: int) -> Diagnosis:
    given, steps = layer.outputs[0], layer.outputs[0].shape[1]
    length = f"{steps} steps" if steps > 0 else "steps"
    remedies = tuple(_remedies(merge, place))
    edit = remedies[0] if remedies and isinstance(remedies[0], EditExpression) else None
    reason = (
        f"{place_text(layer)} goes backwards, and gives its {length} from the last to the first, {shape_text(given)}. "
        f"{place_text(merge)} puts them together with {shape_text(merge.inputs[other])}, which goes from the first to "
        f"the last: at step 0 the two know of opposite ends. Turn the one round again, or take Bidirectional."
    )
    said = finding_at(
        "SW628", layer, reason, fix=edit.replacement if edit is not None else f"ops.flip(x, 1) before `{merge.name}`",
        axis=1, axis_name="time", expected="steps from the first to the last", got="steps from the last to the first",
    )  # fmt: skip
    is_joined = merge.type in ("Concatenate", "concat")
    return Diagnosis(replace(said, severity=Severity.NOTE) if is_joined else said, remedies)


def _remedies(merge: Layer, place: int) -> Iterator[Remedy]:
    edit = _listed(merge, place)
    if edit is not None:
        yield edit
    if merge.kind is LayerKind.LAYER and merge.path:
        yield HandOver(merge.path, edit, place, steps=(Step("flip", (1,)),))


def _listed(merge: Layer, place: int) -> EditExpression | None:
    """The call of the merge with one of its tensors turned round."""
    operands = operands_of(merge)
    if operands is None:
        return None
    if merge.kind is LayerKind.LAYER:
        return operands.listed(place, lambda text: f"{text}.flip(1)")
    return operands.edit({place: f"{operands.text(place)}.flip(1)"}) if len(operands) > place else None
