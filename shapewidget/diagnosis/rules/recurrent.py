"""Recurrent layers and attention: hidden states, and which axis is the batch."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.batch_axis import BATCH, has_batch, is_certain, is_in_doubt, is_swapped, sequence_layers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import finding
from shapewidget.diagnosis.operand_texts import call_of, is_method
from shapewidget.diagnosis.state_remedies import form_remedies, state_remedies
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import ClashKind, Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, SetArgument, Together

_ATTENTION = frozenset("MultiHeadAttention GroupQueryAttention Attention AdditiveAttention".split())


def state_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """A hidden state whose shape is not the one that the input asks for."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or clash.kind is not ClashKind.SIZE or not clash.input or layer.size("hidden_size") is None:
            continue
        given = layer.inputs[clash.input] if clash.input < len(layer.inputs) else None
        shown = shape_text(given) if given is not None else str(clash.got)
        is_cell = layer.size("num_layers") is None
        meanings = ("layers x directions", "the batch size", "the hidden size")[is_cell:]
        meaning = meanings[clash.axis] if clash.axis is not None else ""
        clause = (
            f"axis {clash.axis} has to be {clash.expected} ({meaning}), not {clash.got}"
            if clash.axis is not None
            else f"it has to be {clash.expected}"
        )
        yield Diagnosis(
            finding(
                "SW104",
                "module",
                layer.path or layer.type,
                f"The hidden state given to {place_text(layer)} is {shown}: {clause}.",
                fix="make the state from the input: torch.zeros(layers * directions, x.size(batch_axis), hidden)",
                axis=clash.axis,
                axis_name=meaning,
                expected=clash.expected,
                got=clash.got,
                source=layer.source,
                layer_id=layer.id,
                input=clash.input,
            ),
            state_remedies(evidence, layer, clash.input),
        )


def state_of_another_form(evidence: Evidence) -> Iterator[Diagnosis]:
    """An LSTM that is given one tensor for its state, or a GRU that is given a pair."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or clash.kind is not ClashKind.FORM or not clash.input:
            continue
        reason = (
            f"The state given to {place_text(layer)} is {clash.got}, but it takes {clash.expected}. A lone tensor in "
            f"the place of a pair is taken apart along its first axis."
        )
        yield Diagnosis(
            finding(
                "SW105",
                "module",
                layer.path or layer.type,
                reason,
                fix=f"hand {clash.expected} over",
                axis_name="state",
                expected=clash.expected,
                got=clash.got,
                source=layer.source,
                layer_id=layer.id,
                input=clash.input,
            ),
            tuple(form_remedies(layer)),
        )


def batch_read_as_time(evidence: Evidence) -> Iterator[Diagnosis]:
    """A recurrent or attention layer whose batch axis holds the sequence, and the other way round."""
    layers = sequence_layers(evidence)
    wrong = [layer for layer in layers if is_swapped(layer)]
    is_right = any(not is_swapped(layer) and has_batch(layer.inputs[0]) for layer in layers)
    is_question = not is_right and not any(layer.settings["batch_first"] for layer in layers)
    is_question = is_question and not is_certain(evidence)
    for layer in wrong:
        above = evidence.layer(layer.parent) if layer.parent is not None else None
        yield _accusation(layer, above, "SW504" if is_question else "SW503")


def batch_turned_to_time(evidence: Evidence) -> Iterator[Diagnosis]:
    """A recurrent or attention layer of Keras, which has the batch first, behind a transpose that puts time there."""
    if is_in_doubt(evidence):
        return
    for layer in evidence.graph.layers:
        is_sequential = "return_sequences" in layer.settings or layer.type in _ATTENTION
        if (
            not is_sequential
            or "batch_first" in layer.settings
            or layer.kind is not LayerKind.LAYER
            or not layer.inputs
        ):
            continue
        dims, turned = layer.inputs[0].dims or (), evidence.producer(layer.id, 0)
        is_turned = turned is not None and turned.settings.get("perm") == (1, 0, 2)
        if turned is not None and is_turned and len(dims) == 3 and dims[1] == BATCH and "B" not in dims[0].names:
            yield _turned(evidence, layer, turned)


def _turned(evidence: Evidence, layer: Layer, turned: Layer) -> Diagnosis:
    given = layer.inputs[0]
    dims = given.dims or ()
    swaps = [turned, *(each for each in evidence.graph.layers if _turns_back(evidence, each, layer))]
    edits = [edit for each in swaps if (edit := _left_out(each)) is not None]
    reason = (
        f"{place_text(layer)} takes axis 1 as time and axis 0 as the batch. It is given {shape_text(given)}: it reads "
        f"{size_text(given.shape[1], dims[1])} samples as steps of one sequence."
    )
    said = finding(
        "SW503", "module", layer.path or layer.type, reason, axis=0, axis_name="batch",
        fix=f"leave {place_text(turned)} out" + (", and the one behind" if len(swaps) > 1 else ""),
        expected=f"B = {given.shape[1]}", got=size_text(given.shape[0], dims[0]), source=layer.source,
        layer_id=layer.id,
    )  # fmt: skip
    return Diagnosis(said, (Together(tuple(edits)),) if len(edits) == len(swaps) else ())


def _turns_back(evidence: Evidence, turned: Layer, layer: Layer) -> bool:
    """Whether a transpose brings the batch to the front again of what came from a layer."""
    dims = turned.inputs[0].dims if turned.inputs else None
    is_back = turned.settings.get("perm") == (1, 0, 2) and dims is not None and dims[1:2] == (BATCH,)
    return is_back and layer.id in evidence.before(turned.id)


def _left_out(turned: Layer) -> EditExpression | None:
    call = call_of(turned.source)
    if call is None or turned.source is None or not call.args or is_method(call.func):
        return None
    return EditExpression(turned.source, ast.unparse(call.args[0]))


def _accusation(layer: Layer, above: Layer | None, code: str) -> Diagnosis:
    first = bool(layer.settings["batch_first"])
    whole = (above.path,) if above is not None and above.type.startswith("Transformer") else ()
    batch, time = (0, 1) if first else (1, 0)
    given = layer.inputs[0]
    dims = given.dims or ()
    reason = (
        f"{place_text(layer)} has batch_first={first}, so it takes axis {time} as time and axis {batch} as the batch. "
        f"It is given {shape_text(given)}: it reads {size_text(given.shape[time], dims[time])} samples as steps of one "
        f"sequence."
    )
    return Diagnosis(
        finding(
            code,
            "module",
            layer.path or layer.type,
            reason,
            fix=f"build `{layer.path or layer.type}` with batch_first={not first}",
            axis=batch,
            axis_name="batch",
            expected=f"B = {given.shape[time]}",
            got=size_text(given.shape[batch], dims[batch]),
            source=layer.source,
            layer_id=layer.id,
        ),
        tuple(SetArgument(path, "batch_first", not first) for path in (*whole, layer.path)),
    )
