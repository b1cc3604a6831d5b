"""Losses of pairs and triplets, which take as many rows of each."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.findings import Finding
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.diagnosis.rules.row_groups import dealt_out
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Clash, ClashKind, Layer, LayerKind
from shapewidget.graph.remedies import EditExpression
from shapewidget.graph.steps import Step

_PAIR, _TRIPLET = ("the first of each pair", "the second"), ("the anchors", "the positives", "the negatives")


def is_of_several(layer: Layer) -> bool:
    """Whether a loss sets several outputs against one another."""
    return bool(_parts(layer))


def _parts(layer: Layer) -> tuple[str, ...]:
    name = layer.type.lower().replace("_", "")
    if name.startswith("triplet"):
        return _TRIPLET
    return _PAIR if name.startswith(("cosineembedding", "marginranking")) else ()


def rows_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """A loss of pairs or triplets that is given other numbers of rows, or targets that are not one a pair."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or layer.kind is not LayerKind.LOSS or clash.kind is not ClashKind.SIZE:
            continue
        parts = _parts(layer)
        if parts and len(layer.inputs) >= len(parts) and dealt_out(evidence, clash) is None:
            yield Diagnosis(_said(layer, clash, parts), tuple(_remedies(layer, clash, parts)))


def _said(layer: Layer, clash: Clash, parts: tuple[str, ...]) -> Finding:
    odd = layer.inputs[clash.input]
    if clash.input < len(parts):
        given = ", ".join(f"{name} {shape_text(spec)}" for name, spec in zip(parts, layer.inputs, strict=False))
        reason = f"{place_text(layer)} sets as many rows of each against one another, and is given {given}."
        fix = f"give it as many of {parts[clash.input]}: {clash.expected}"
    else:
        reason = (
            f"{place_text(layer)} takes one target for each pair, {clash.expected}, and is given {shape_text(odd)}."
        )
        fix = f"targets of shape {clash.expected}"
    axis = _axis(clash.expected, clash.got)
    return finding_at(
        "SW301", layer, reason, fix=fix, axis=axis, axis_name="batch" if axis == 0 else "", expected=clash.expected,
        got=clash.got, input=clash.input,
    )  # fmt: skip


def _axis(expected: object, got: object) -> int | None:
    """The first axis in which two shapes differ."""
    if not isinstance(expected, tuple) or not isinstance(got, tuple):
        return None
    return next((axis for axis, (one, other) in enumerate(zip(expected, got, strict=False)) if one != other), None)


def _remedies(layer: Layer, clash: Clash, parts: tuple[str, ...]) -> Iterator[EditExpression]:
    """The targets without an axis of length 1 that the loss does not take, or with one that it does."""
    wanted, got, operands = clash.expected, clash.got, operands_of(layer)
    if clash.input < len(parts) or not isinstance(wanted, tuple) or not isinstance(got, tuple) or operands is None:
        return
    for name, longer, shorter in (("squeeze", got, wanted), ("unsqueeze", wanted, got)):
        if longer == (*shorter, 1) and len(operands) > clash.input:
            yield operands.edit({clash.input: Step(name, (-1,)).on(operands.text(clash.input))})
