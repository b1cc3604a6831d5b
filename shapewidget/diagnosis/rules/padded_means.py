"""Means over the steps that count the padding, where the model is told what is padding.

Its attention leaves the padding out, or it is given the lengths and nothing reads them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Role, is_all
from shapewidget.diagnosis.axis_remedies import reduced_axes
from shapewidget.diagnosis.batch_axis import BATCH
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import receiver_of
from shapewidget.diagnosis.operand_texts import call_of
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.diagnosis.written_loss import has_weights_behind
from shapewidget.graph.padding import LengthsAs, Padding
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, ReplaceLayer

_POOLING = {"mean": "averages", "max": "takes the largest of", "amax": "takes the largest of"}
_MASKING = frozenset(("mul", "where", "masked_fill", "index", "masked_select"))
_ATTENTION = "MultiheadAttention"


def padding_averaged(evidence: Evidence) -> Iterator[Diagnosis]:
    """A mean or maximum over all steps of what an attention gave that was told which of them are padding."""
    inputs = [layer for layer in evidence.graph.layers if layer.kind is LayerKind.INPUT and layer.outputs]
    for padding in evidence.padded:
        given = inputs[padding.place]
        for layer in evidence.graph.layers:
            if layer.name not in _POOLING or not layer.inputs or len(layer.inputs[0].shape) != 3:
                continue
            axes, along = evidence.axes_into(layer), reduced_axes(layer)
            before = evidence.before(layer.id)
            if len(along) != 1 or not is_all(axes[along[0]], Role.POSITIONS) or given.id not in before:
                continue
            told = [each for each in _attentions(evidence, before) if _leaves_out(evidence, each, given)]
            if told and not any(_masks(evidence, each) for each in before):
                yield _said(evidence, layer, told[-1], along[0], padding)


def lengths_unread(evidence: Evidence) -> Iterator[Diagnosis]:
    """A mean or maximum over all steps of every sample, in a model that is given lengths or a mask for nothing."""
    for told, form in evidence.unread_lengths:
        for layer in evidence.graph.layers:
            if layer.name not in _POOLING or not layer.inputs or len(layer.inputs[0].shape) != 3:
                continue
            axes, along = evidence.axes_into(layer), reduced_axes(layer)
            if len(along) != 1 or not is_all(axes[along[0]], Role.POSITIONS) or layer.inputs[0].dims is None:
                continue
            if BATCH in layer.inputs[0].dims and not any(_masks(evidence, each) for each in evidence.before(layer.id)):
                yield _unread(layer, along[0], told, form)


def masked_steps_averaged(evidence: Evidence) -> Iterator[Diagnosis]:
    """A mean over the steps of a tensor that carries a mask of its padding, which no operation looks for."""
    for layer in evidence.graph.layers:
        given = layer.inputs[0] if layer.inputs else None
        if layer.name != "mean" or layer.kind is not LayerKind.OPERATION or given is None or not given.masked:
            continue
        if len(given.shape) == 3 and reduced_axes(layer) == (1,) and given.shape[1] > 1 and len(layer.outputs) == 1:
            if len(layer.outputs[0].shape) == 2:
                yield _carried(evidence, layer)


def _carried(evidence: Evidence, layer: Layer) -> Diagnosis:
    given, call = layer.inputs[0], call_of(layer.source)
    pooling = "GlobalAveragePooling1D"
    holder = evidence.layer(layer.parent) if layer.parent is not None else None
    remedies: list[Remedy] = []
    if holder is not None and holder.type == "Lambda" and holder.path:
        remedies.append(ReplaceLayer(holder.path, pooling))
    elif call is not None and call.args and layer.source is not None:
        remedies.append(EditExpression(layer.source, f"keras.layers.{pooling}()({ast.unparse(call.args[0])})"))
    reason = (
        f"{place_text(layer)} averages all {given.shape[1]} steps of {shape_text(given)}. The tensor carries a mask "
        f"{given.shape[:2]} of the steps that are padding, which only layers look for: the padding is counted like "
        f"data here, so that the result depends on the longest sequence of the batch. {pooling} leaves it out."
    )
    said = finding_at(
        "SW665", layer, reason, fix=f"layers.{pooling}()", axis=1, axis_name="time",
        expected="the steps that the mask keeps", got=f"all {given.shape[1]} steps",
    )  # fmt: skip
    return Diagnosis(said, tuple(remedies))


def _unread(layer: Layer, axis: int, told: Layer, form: LengthsAs) -> Diagnosis:
    given, receiver = layer.inputs[0], receiver_of(layer.source, layer.name)
    shown, count = f"{told.name}.unsqueeze(-1)", f"{told.name}.sum(1, keepdim=True)"
    if form is LengthsAs.NUMBERS:
        shown = f"(torch.arange({receiver}.size(1), device={receiver}.device) < {shown}).unsqueeze(-1)"
        count = f"{told.name}.unsqueeze(-1)"
    text = f"({receiver} * {shown}).sum(1) / {count}"
    can_name = receiver is not None and layer.name == "mean" and axis == 1 and layer.parent is None
    edits = (EditExpression(layer.source, text),) if can_name and layer.source is not None else ()
    reason = (
        f"{place_text(layer)} {_POOLING[layer.name]} all {given.shape[axis]} steps of {shape_text(given)}. "
        f"`{told.name}` {shape_text(told.outputs[0])} says which of them are data, but nothing reads it: the padding "
        f"of a short sequence is counted like data, so that the result depends on the longest of the batch."
    )
    said = finding_at(
        "SW665", layer, reason, fix=text if edits else "(x * mask).sum(1) / mask.sum(1)", axis=axis, axis_name="time",
        expected=f"the steps that `{told.name}` tells", got=f"all {given.shape[axis]} steps",
    )  # fmt: skip
    return Diagnosis(said, edits)


def _attentions(evidence: Evidence, ids: set[str]) -> Iterator[Layer]:
    return (layer for layer in evidence.graph.layers if layer.id in ids and layer.type == _ATTENTION)


def _leaves_out(evidence: Evidence, layer: Layer, padded: Layer) -> bool:
    """Whether a layer is given a mask (batch, steps) that is made of the padded input."""
    size = layer.inputs[0].shape
    wanted = size[:2] if layer.settings.get("batch_first") else size[1::-1]
    masks = [edge for edge in evidence.edges_into[layer.id] if 2 < edge.input < len(layer.inputs)]
    return any(layer.inputs[edge.input].shape == wanted and padded.id in evidence.before(edge.source) for edge in masks)


def _masks(evidence: Evidence, layer_id: str) -> bool:
    """Whether a node takes a mask of the steps to features: one of its tensors comes from no weights."""
    layer = evidence.layer(layer_id)
    if layer is None or layer.name.rstrip("_") not in _MASKING or len(layer.inputs) < 2 or not layer.outputs:
        return False
    behind = [has_weights_behind(evidence.graph, layer.id, place) for place in range(len(layer.inputs))]
    return any(behind) and not all(behind) and len(layer.outputs[0].shape) > 1


def _said(evidence: Evidence, layer: Layer, told: Layer, axis: int, padding: Padding) -> Diagnosis:
    edits = tuple(_masked(evidence, layer, told, axis))
    does = _POOLING[layer.name]
    reason = (
        f"{place_text(layer)} {does} all {padding.steps} steps of {shape_text(layer.inputs[0])}. The shortest sequence "
        f"has {padding.shortest} and is filled up behind, as {place_text(told)} is told by its mask: its padding is "
        f"counted here like data, so that the result depends on the longest sequence of the batch."
    )
    said = finding_at(
        "SW665", layer, reason, fix=edits[0].replacement if edits else "(x * mask).sum(1) / mask.sum(1)", axis=axis,
        axis_name="time", expected=f"the {padding.shortest} steps of a sequence", got=f"all {padding.steps} steps",
    )  # fmt: skip
    return Diagnosis(said, edits)


def _masked(evidence: Evidence, layer: Layer, told: Layer, axis: int) -> Iterator[EditExpression]:
    """The mean of what the mask of the attention shows, where one function calls both."""
    holder: Layer | None = told
    while holder is not None and holder.path and holder.source is not None:
        above = evidence.layer(holder.parent) if holder.parent is not None else None
        if above is None or above.path == layer.path:
            break
        holder = above
    call = call_of(holder.source) if holder is not None else None
    keyword = next((each for each in call.keywords if each.arg and "padding_mask" in each.arg), None) if call else None
    receiver = receiver_of(layer.source, layer.name)
    if keyword is None or receiver is None or layer.name != "mean" or layer.source is None or axis != 1:
        return
    shown = ast.unparse(ast.UnaryOp(ast.Invert(), keyword.value))
    mask = f"({shown}).unsqueeze(-1)"
    yield EditExpression(layer.source, f"({receiver} * {mask}).sum(1) / {mask}.sum(1)")
