"""Tensors that a layer takes by the name of an argument: queries, values, attention masks, states to start from."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.batch_axis import BATCH
from shapewidget.diagnosis.chains import chain_before, index_items
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import along, indexed
from shapewidget.diagnosis.operand_texts import call_of, keyword_edited
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Clash, ClashKind, Layer, TensorSpec
from shapewidget.graph.remedies import EditExpression, InsertLayer, Remedy, SetArgument

_MASK, _STATE = "attention_mask", "initial_state"


def argument_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """An argument of a size that does not go with the layer's first tensor."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        name = argument_name(layer, clash.input) if layer is not None else ""
        if layer is None or clash.kind is not ClashKind.SIZE or not clash.input or not name:
            continue
        if name == _MASK:
            yield _mask("SW107", layer, clash.input)
        elif name == _STATE:
            yield _state(evidence, clash, layer)
        else:
            yield _of_other_length(clash, layer, name)


def argument_name(layer: Layer, place: int) -> str:
    """The name of the argument that a tensor is; empty where the layer takes its tensors in one order only."""
    names = layer.settings.get("arguments")
    return str(names[place]) if isinstance(names, tuple) and place < len(names) else ""


def mask_read_as_pairs(evidence: Evidence) -> Iterator[Diagnosis]:
    """A mask of one row a sample, read as one row a query, which runs where there are as many samples as steps."""
    for layer in evidence.graph.layers:
        for place, spec in enumerate(layer.inputs):
            is_mask = argument_name(layer, place) == _MASK and layer.id not in evidence.clash_at
            is_of_samples = spec.dims is not None and len(spec.dims) == 2 and spec.dims[0] == BATCH
            if is_mask and is_of_samples and min(layer.inputs[0].shape) > 0:
                yield _mask("SW622", layer, place)


def mask_along_queries_only(evidence: Evidence) -> Iterator[Diagnosis]:
    """A mask with one value for each query, the same for all keys: it hides none of them."""
    for layer in evidence.graph.layers:
        for place, spec in enumerate(layer.inputs):
            if argument_name(layer, place) != _MASK or layer.id in evidence.clash_at or min(spec.shape, default=0) < 1:
                continue
            queries, keys = layer.inputs[0].shape[-2], _keys(layer).shape[-2]
            if spec.shape[-2:] == (queries, 1) and min(queries, keys) > 1:
                yield _along_queries(evidence, layer, place)


def _along_queries(evidence: Evidence, layer: Layer, place: int) -> Diagnosis:
    given, steps = layer.inputs[place], _keys(layer).shape[-2]
    wanted = (*given.shape[:-2], 1, steps)
    remedies = tuple(_turned(evidence, layer, place))
    edit = remedies[0] if remedies else None
    return Diagnosis(
        finding_at(
            "SW615",
            layer,
            f"{place_text(layer)} is given an attention_mask {shape_text(given)} for (queries, keys) = "
            f"({given.shape[-2]}, {steps}): it has one value for each query, the same for all {steps} keys, so that "
            f"every query that is not hidden still attends to the padding. Expected one for each key, {wanted}.",
            fix=edit.replacement if isinstance(edit, EditExpression) else f"attention_mask of shape {wanted}",
            axis=len(given.shape) - 1,
            axis_name="keys",
            expected=wanted,
            got=given.shape,
            input=place,
        ),
        remedies,
    )


def _turned(evidence: Evidence, layer: Layer, place: int) -> Iterator[Remedy]:
    """The axis that was added to the mask before the last one, not behind it."""
    maker = evidence.producer(layer.id, place)
    items = index_items(maker) if maker is not None else ()
    if maker is not None and maker.source is not None and items[-2:] == (":", "None"):
        turned = ", ".join((*items[:-2], "None", ":"))
        yield EditExpression(maker.source, f"{indexed(maker.source)}[{turned}]")
    call = call_of(maker.source) if maker is not None and maker.name == "expand_dims" else None
    if maker is not None and maker.source is not None and call is not None and "expand_dims" in ast.unparse(call.func):
        rank = len(maker.outputs[0].shape)
        text = along(maker.source, rank - 1, rank, rank - 2)
        yield from (EditExpression(maker.source, text),) if text is not None else ()
    yield InsertLayer(layer.path, "Permute", {"dims": (2, 1)}, place)


def _keys(layer: Layer) -> TensorSpec:
    names = layer.settings.get("arguments")
    return layer.inputs[names.index("value")] if isinstance(names, tuple) and "value" in names else layer.inputs[0]


def _mask(code: str, layer: Layer, place: int) -> Diagnosis:
    given, query = layer.inputs[place], layer.inputs[0]
    wanted, got = (*query.shape[:2], _keys(layer).shape[1]), given.shape
    is_of_samples = len(got) == 2 and got == (wanted[0], wanted[2])
    reason = (
        f"{place_text(layer)} takes an attention_mask {wanted}, one row of {wanted[2]} steps for each of {wanted[1]} "
        f"queries, and is given {shape_text(given)}."
    )
    if is_of_samples:
        reason += " That has no axis for the queries: it is read as (queries, keys), so samples are taken for queries."
    fix = f"attention_mask=mask[:, None, :], of shape {(wanted[0], 1, wanted[2])}" if is_of_samples else ""
    return Diagnosis(
        finding_at(
            code,
            layer,
            reason,
            fix=fix or f"give a mask that broadcasts with {wanted}",
            axis=1 if is_of_samples else None,
            axis_name="mask",
            expected=wanted,
            got=got,
            input=place,
        ),
        tuple(_mask_remedies(layer, place, wanted[2])) if is_of_samples else (),
    )


def _mask_remedies(layer: Layer, place: int, steps: int) -> Iterator[Remedy]:
    edit = keyword_edited(layer.source, _MASK, lambda text: f"{text}[:, None, :]")
    if edit is not None:
        yield edit
    yield InsertLayer(layer.path, "Reshape", {"target_shape": (1, steps)}, place)


def _state(evidence: Evidence, clash: Clash, layer: Layer) -> Diagnosis:
    units, maker = layer.size("units"), evidence.producer(layer.id, clash.input)
    what = "the batch size" if clash.axis == 0 else f"its units = {units}"
    joined = ""
    if maker is not None and maker.settings.get("merge_mode") == "concat":
        joined = f": it joins both directions, 2 x {maker.size('units')}"
    gives = f"{place_text(maker)} gives" if maker is not None else "it is given"
    return Diagnosis(
        finding_at(
            "SW104",
            layer,
            f"{place_text(layer)} starts from a state that has to have {clash.expected} on axis {clash.axis}, {what}; "
            f"{gives} {shape_text(layer.inputs[clash.input])}, which has {clash.got}{joined}.",
            fix=f"build `{layer.name}` with units={clash.got}" if clash.axis else "make the state from the same batch",
            axis=clash.axis,
            axis_name="state features" if clash.axis else "batch",
            expected=clash.expected,
            got=clash.got,
            input=clash.input,
        ),
        tuple(_state_remedies(evidence, clash, layer)),
    )


def _state_remedies(evidence: Evidence, clash: Clash, layer: Layer) -> Iterator[Remedy]:
    if not clash.axis or not isinstance(clash.expected, int):
        return
    yield SetArgument(layer.path, "units", clash.got)
    for maker in chain_before(evidence, layer, clash.input):
        if maker.size("units") is not None:
            if maker.settings.get("merge_mode") == "concat":
                yield SetArgument(maker.path, "merge_mode", "sum")
            else:
                yield SetArgument(maker.path, "units", clash.expected)
            break
    yield InsertLayer(layer.path, "Dense", {"units": clash.expected}, clash.input)


def _of_other_length(clash: Clash, layer: Layer, name: str) -> Diagnosis:
    against = clash.against if clash.against is not None else 0
    other, given = layer.inputs[against], layer.inputs[clash.input]
    axis = "batch" if clash.axis == 0 else "steps"
    return Diagnosis(
        finding_at(
            "SW107",
            layer,
            f"{place_text(layer)} is given a {argument_name(layer, against)} {shape_text(other)} and a {name} "
            f"{shape_text(given)}: axis {clash.axis}, the {axis}, is {clash.expected} in one and {clash.got} in the "
            f"other. Its arguments come in the order query, value, key.",
            fix="give value and key of the same sequence, and all of the same batch",
            axis=clash.axis,
            axis_name=axis,
            expected=clash.expected,
            got=clash.got,
            input=clash.input,
        )
    )
