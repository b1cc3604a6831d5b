"""Multi-head attention: keys, values and masks that do not go with the queries."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.batch_axis import is_swapped
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import Finding
from shapewidget.diagnosis.operand_texts import call_of, keyword_edited, operands_of
from shapewidget.diagnosis.own_tables import made_for_steps
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Clash, ClashKind, Layer
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument

_TYPE = "MultiheadAttention"
_MASKS = ("attn_mask", "mask", "src_mask", "key_padding_mask", "src_key_padding_mask")
_RANK_WITH_HEADS = 4


def attention_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """An attention layer that raised because of its keys, values or masks, or of queries without a batch."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or layer.type != _TYPE or clash.input >= len(layer.inputs):
            continue
        if clash.kind is ClashKind.RANK and clash.expected == len(layer.inputs[1].shape):
            yield _queries(clash, layer)
        elif clash.kind is ClashKind.SIZE and clash.input:
            yield _masks(evidence, clash, layer) if clash.axis is None else _keys(clash, layer)


def _queries(clash: Clash, layer: Layer) -> Diagnosis:
    query, key = layer.inputs[:2]
    batch = 0 if layer.settings.get("batch_first") else 1
    reason = (
        f"{place_text(layer)} is given queries {shape_text(query)} and keys {shape_text(key)}: one has {clash.got} "
        f"axes, the other {clash.expected}, and both have to have a batch axis or none."
    )
    remedies: list[Remedy] = []
    operands = operands_of(layer)
    if operands is not None and len(operands) > 1 and clash.got == 2 and clash.expected == 3:
        sizes = f"{operands.text(1)}.size({batch})"
        text = f"{operands.text(0)}.unsqueeze({batch})"
        axes = ("-1",) * batch + (sizes,) + ("-1",) * (2 - batch)
        remedies.append(operands.edit({0: f"{text}.expand({', '.join(axes)})"}))
    fix = f"repeat the queries for every sample: queries.unsqueeze({batch}).expand(...)"
    return Diagnosis(_said("SW107", clash, layer, reason, fix, "axes"), tuple(remedies))


def _keys(clash: Clash, layer: Layer) -> Diagnosis:
    query, given = layer.inputs[0], layer.inputs[clash.input]
    assert clash.axis is not None
    is_width = clash.axis == len(given.shape) - 1
    if is_width:
        width = layer.size("embed_dim")
        reason = (
            f"{place_text(layer)} takes keys and values of {clash.expected} features, as it was built with "
            f"embed_dim = {width} and no kdim, but it is given {shape_text(given)}, which has {clash.got}."
        )
        also = (("vdim", clash.got),)
        remedies: tuple[Remedy, ...] = (SetArgument(layer.path, "kdim", clash.got, also=also),)
        fix = f"build `{layer.path or layer.type}` with kdim={clash.got}, vdim={clash.got}"
        return Diagnosis(_said("SW101", clash, layer, reason, fix, "features"), remedies)
    first = bool(layer.settings.get("batch_first"))
    reason = (
        f"{place_text(layer)} has batch_first={first}, so axis {clash.axis} is the batch: the queries "
        f"{shape_text(query)} hold {clash.expected} samples and the keys {shape_text(given)} hold {clash.got}."
    )
    fix = f"give queries and keys of the same batch, or build it with batch_first={not first}"
    return Diagnosis(_said("SW107", clash, layer, reason, fix, "batch"), (_other_order(layer),))


def _masks(evidence: Evidence, clash: Clash, layer: Layer) -> Diagnosis:
    given = layer.inputs[clash.input]
    first = bool(layer.settings.get("batch_first"))
    query = layer.inputs[0]
    reason = (
        f"{place_text(layer)} is given a mask {shape_text(given)}, and for queries {shape_text(query)} with "
        f"batch_first={first} it takes {clash.expected}."
    )
    remedies: list[Remedy] = [*made_for_steps(evidence, layer, clash.input)]
    expected = clash.expected if isinstance(clash.expected, tuple) else ()
    heads, fix = layer.size("num_heads") or 1, f"give a mask of shape {clash.expected}"
    if is_swapped(layer):
        above = evidence.layer(layer.parent) if layer.parent is not None else None
        if above is not None and above.type.startswith("Transformer"):
            remedies.append(SetArgument(above.path, "batch_first", not first))
        remedies.append(_other_order(layer))
        reason += f" The mask says that the batch is on the other axis: {given.shape} read as (batch, steps)."
        fix = f"build it with batch_first={not first}"
    elif expected == given.shape[::-1]:
        reason += " The axes of the mask stand the other way round: it takes (batch, steps)."
        remedies += [*_mask_edits(layer, "{0}.transpose(0, 1)"), _other_order(layer)]
        fix = "mask.transpose(0, 1)"
    elif expected == (given.shape[0] * heads, *given.shape[1:]):
        reason += f" That is a mask for each of the {heads} heads of each of the {given.shape[0]} samples."
        remedies += _mask_edits(layer, "{0}.repeat_interleave({1}, dim=0)")
        fix = f"mask.repeat_interleave({heads}, dim=0)"
    elif len(given.shape) == _RANK_WITH_HEADS and given.shape[1] in (1, heads):
        reason += f" One for each head of each sample has 3 axes, ({given.shape[0]} x {heads}, queries, keys)."
        text = "{0}.flatten(0, 1)" if given.shape[1] == heads else "{0}.squeeze(1).repeat_interleave({1}, dim=0)"
        remedies += _mask_edits(layer, text)
        fix = text.format("mask", heads)
    return Diagnosis(_said("SW107", clash, layer, reason, fix, "mask"), tuple(remedies))


def _mask_edits(layer: Layer, text: str) -> list[EditExpression]:
    """The call with another mask: a text with the mask in the place of {0}, and the number of heads in that of {1}."""
    call = call_of(layer.source)
    owner = ast.unparse(call.func) if call is not None else ""
    is_own = owner.startswith("self.") and layer.path.endswith(owner.removeprefix("self."))
    heads = f"{owner}.num_heads" if is_own else str(layer.size("num_heads"))
    edits = (keyword_edited(layer.source, name, lambda mask: text.format(mask, heads)) for name in _MASKS)
    return [edit for edit in edits if edit is not None]


def _other_order(layer: Layer) -> SetArgument:
    return SetArgument(layer.path, "batch_first", not layer.settings.get("batch_first"))


def _said(code: str, clash: Clash, layer: Layer, reason: str, fix: str, axis_name: str) -> Finding:
    return finding_at(
        code,
        layer,
        reason,
        fix=fix,
        axis=clash.axis,
        axis_name=axis_name,
        expected=clash.expected,
        got=clash.got,
        input=clash.input,
    )
