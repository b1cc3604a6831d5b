"""Outputs against targets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypeVar

from shapewidget.diagnosis.evidence import Diagnosis, Evidence, arguments_of_model
from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.diagnosis.loss_remedies import loss_remedies, targets_moved
from shapewidget.diagnosis.loss_search import dims_of, is_of_classes
from shapewidget.diagnosis.operand_remedies import aligned_remedies, broadcast_remedies
from shapewidget.diagnosis.rules.folded import fold_behind
from shapewidget.diagnosis.rules.joined import joined_behind, joined_text
from shapewidget.diagnosis.rules.loss_arguments import is_about_arguments
from shapewidget.diagnosis.rules.pair_losses import is_of_several
from shapewidget.diagnosis.sample_pairs import is_of_one_batch
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.diagnosis.written_loss import compares_with_data, counts_hits
from shapewidget.graph.dims import Dim, constant
from shapewidget.graph.records import ClashKind, Layer, LayerKind
from shapewidget.graph.remedies import AdaptCall, Remedy
from shapewidget.graph.steps import Step

Size = TypeVar("Size", int, Dim)

_ARITHMETIC = frozenset(("add", "sub", "mul", "div", "pow", "maximum", "minimum", "where"))
_COMPARISONS = frozenset("eq ne lt le gt ge equal not_equal less less_equal greater greater_equal".split())


def loss_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss that raised because of the shapes of its outputs and targets."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or layer.kind is not LayerKind.LOSS or clash.kind is not ClashKind.SIZE:
            continue
        if len(layer.inputs) < 2:
            continue
        if "takes" in layer.settings or is_about_arguments(layer, clash) or is_of_several(layer):
            continue
        if fold_behind(evidence, clash, layer) is not None:
            continue
        outputs, targets = layer.inputs[:2]
        which = "outputs" if clash.input == 0 else "targets"
        at = f"axis {clash.axis} of the {which}" if clash.axis is not None else f"the {which}"
        join, fix = joined_behind(evidence, layer), "give the loss outputs and targets of matching shape"
        reason = (
            f"{place_text(layer)} compares outputs {shape_text(outputs)} with targets {shape_text(targets)}: "
            f"{at} should be {clash.expected}, not {clash.got}.{_classes(evidence, layer)}"
        )
        if join is not None:
            reason += joined_text(join, targets.shape[0])
            fix = "join the targets of the same batches too, torch.cat(targets), or take the loss of every batch"
        yield Diagnosis(
            finding(
                "SW301",
                "loss",
                layer.path or layer.name,
                reason,
                fix=fix,
                op=None if layer.path else layer.name,
                axis=clash.axis,
                axis_name="batch" if clash.axis == 0 else "",
                expected=clash.expected,
                got=clash.got,
                source=layer.source,
                layer_id=layer.id,
                input=clash.input,
            ),
            loss_remedies(evidence, layer),
        )


def _classes(evidence: Evidence, layer: Layer) -> str:
    """What a loss of classes reads as their number, where that is no fixed size."""
    outputs = layer.inputs[0]
    if not is_of_classes(layer.type) or len(outputs.shape) < 3 or outputs.dims is None:
        return ""
    if dims_of(outputs, arguments_of_model(evidence))[1].is_constant:
        return ""
    return f" It reads axis 1 of the outputs as the classes: {size_text(outputs.shape[1], outputs.dims[1])} of them."


def every_sample_with_every_other(evidence: Evidence) -> Iterator[Diagnosis]:
    """Operands of different rank whose batch axes meet different axes, so that B x B pairs come out."""
    for layer in evidence.graph.layers:
        is_loss = layer.kind is LayerKind.LOSS
        if "takes" in layer.settings:
            continue  # such a loss aligns the two by itself
        if len(layer.inputs) < 2 or not (_is_of_one_shape(layer) if is_loss else _is_by_element(evidence, layer)):
            continue
        if layer.id in evidence.clash_at:
            continue
        one, other = layer.inputs[:2]
        if not one.shape or not other.shape or len(one.shape) == len(other.shape):
            continue
        dims = _broadcast(one.dims, other.dims, constant(1)) if one.dims and other.dims else None
        if one.dims is None or other.dims is None or (dims is None and is_loss):
            sizes = _broadcast(one.shape, other.shape, 1)
            grows = sizes is not None and math.prod(sizes) > max(math.prod(one.shape), math.prod(other.shape))
            is_certain = is_loss or layer.name in _COMPARISONS or _is_in_loss(evidence, layer)
            is_certain = is_certain or compares_with_data(evidence.graph, layer)
            grows = grows and (is_certain or is_of_one_batch(evidence, layer))
        else:
            grows = dims is not None and _batches(dims) > max(_batches(one.dims), _batches(other.dims))
            sizes = [dim.at(evidence.graph.sizes) or 0 for dim in dims or ()]
        if grows and sizes is not None:
            yield Diagnosis(_finding(evidence, layer, tuple(sizes)), _remedies(evidence, layer))


def _remedies(evidence: Evidence, layer: Layer) -> tuple[Remedy, ...]:
    if _is_column_of_targets(evidence, layer):
        return (AdaptCall(targets=(Step("squeeze", (-1,)),)),)
    is_loss = layer.kind is LayerKind.LOSS
    found = loss_remedies(evidence, layer) if is_loss else broadcast_remedies(evidence, layer)
    return (*(found or aligned_remedies(layer)), *targets_moved(evidence, layer))


def _is_column_of_targets(evidence: Evidence, layer: Layer) -> bool:
    """Whether the axis that one operand lacks is that of a column (batch, 1), which targets have come with so far.

    Where each label has met every other before, no axis put in here would make the pairs those of one sample.
    """
    longer, shorter = (0, 1) if len(layer.inputs[0].shape) > len(layer.inputs[1].shape) else (1, 0)
    given, axis = layer.inputs[longer].shape, evidence.axes_into(layer, longer)[-1]
    is_of_targets = bool(axis) and all(part.by.startswith("targets") for part in axis)
    return len(given) > 2 and given == (*layer.inputs[shorter].shape, 1) and is_of_targets


def _is_by_element(evidence: Evidence, layer: Layer) -> bool:
    """Whether an operation sets values against one another of which each belongs to its own target."""
    return layer.name in _ARITHMETIC or (layer.name in _COMPARISONS and counts_hits(evidence.graph, layer))


def _is_in_loss(evidence: Evidence, layer: Layer) -> bool:
    """Whether an operation is part of a loss of the user's own."""
    holder = evidence.layer(layer.parent) if layer.parent is not None else None
    return holder is not None and holder.settings.get("takes") == "its own"


def _is_of_one_shape(layer: Layer) -> bool:
    name = layer.type.lower().replace("_", "")
    return "poisson" in name or "gaussian" in name or not any(each in name for each in ("crossentropy", "nll", "ctc"))


def _batches(dims: Sequence[Dim]) -> int:
    return sum("B" in dim.names for dim in dims)


def _broadcast(one: Sequence[Size], other: Sequence[Size], single: Size) -> list[Size] | None:
    """The shape that two shapes broadcast to; `single` is an axis of size 1."""
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    result = list(longer)
    for back in range(1, len(shorter) + 1):
        if longer[-back] == single:
            result[-back] = shorter[-back]
        elif shorter[-back] not in (single, longer[-back]):
            return None
    return result


def _finding(evidence: Evidence, layer: Layer, sizes: tuple[int, ...]) -> Finding:
    one, other = layer.inputs[:2]
    is_loss = layer.kind is LayerKind.LOSS
    reason = (
        f"{place_text(layer)} broadcasts {shape_text(one)} against {shape_text(other)} to {sizes}: every sample is "
        f"compared with every other, instead of with its own target."
    )
    return finding(
        "SW302",
        "loss" if is_loss or layer.path == "loss" or compares_with_data(evidence.graph, layer) else "function",
        layer.path if is_loss and layer.path else layer.name,
        reason,
        fix="give both the same shape: squeeze(-1) the outputs, or unsqueeze(-1) the targets",
        op=None if is_loss and layer.path else layer.name,
        scope="" if is_loss else layer.path,
        axis=0,
        axis_name="batch",
        expected=other.shape,
        got=one.shape,
        source=layer.source,
        layer_id=layer.id,
    )
