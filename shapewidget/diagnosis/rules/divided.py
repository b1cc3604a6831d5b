"""Sizes that have to be split into equal parts and cannot be: channels into groups or pixels, a width into heads."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from dataclasses import replace

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.chains import maker
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_remedies import of_another_width
from shapewidget.diagnosis.operand_texts import call_of
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Clash, ClashKind, Layer
from shapewidget.graph.remedies import EditExpression, Remedy

_PLACES = {"GroupNorm": 0, "MultiheadAttention": 1, "TransformerEncoderLayer": 1, "TransformerDecoderLayer": 1}
"""Where a constructor takes by how much it divides; by the keyword where it is not here."""

_KEYWORDS = {"num_groups": ("num_groups",), "groups": ("groups",), "num_heads": ("num_heads", "nhead")}


def size_not_divided(evidence: Evidence) -> Iterator[Diagnosis]:
    """A layer that was built for, or is given, a size that it cannot split evenly."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or clash.kind is not ClashKind.DIVISOR:
            continue
        if not isinstance(clash.expected, int) or not isinstance(clash.got, int):
            continue
        is_built = bool(layer.settings.get("built"))
        yield _built(layer, clash.expected, clash.got) if is_built else _given(evidence, clash, layer)


def _built(layer: Layer, by: int, size: int) -> Diagnosis:
    divided, name = str(layer.settings["divided"]), str(layer.settings["by"])
    reason = (
        f"`{layer.name}` cannot be built: it splits {divided} = {size} into {name} = {by} parts of one size, and {by} "
        f"does not divide {size}."
    )
    largest = max(each for each in range(1, min(by, size) + 1) if size % each == 0)
    remedies = tuple(_other_divisor(layer, name, largest))
    fix = remedies[0].replacement if remedies else f"take {name}={largest}, or a {divided} that {by} divides"
    code = "SW206" if name == "num_heads" else "SW118"
    said = finding_at(
        code, layer, reason, fix=fix, axis=1, axis_name="channels" if code == "SW118" else "features",
        expected=f"a multiple of {by}", got=size,
    )  # fmt: skip
    call = call_of(layer.source)
    written = ast.unparse(call.func).rpartition(".")[2] if call is not None else layer.name
    return Diagnosis(replace(said, where="build", layer=written if written in _PLACES else layer.name), remedies)


def _other_divisor(layer: Layer, name: str, value: int) -> Iterator[EditExpression]:
    call, source = call_of(layer.source), layer.source
    if call is None or source is None or source.expression is None:
        return
    built = ast.unparse(call.func).rpartition(".")[2]
    given = next((each.value for each in call.keywords if each.arg in _KEYWORDS[name]), None)
    place = _PLACES.get(built)
    if given is None and place is not None and place < len(call.args):
        given = call.args[place]
    if given is None or given.lineno != 1 or given.end_lineno != 1 or given.end_col_offset is None:
        return
    text = source.expression.encode()
    made = text[: given.col_offset - 1] + str(value).encode() + text[given.end_col_offset - 1 :]
    yield EditExpression(source, made.decode())


def _given(evidence: Evidence, clash: Clash, layer: Layer) -> Diagnosis:
    given, by, size = layer.inputs[0], int(str(clash.expected)), int(str(clash.got))
    made = maker(evidence, layer)
    gives = f"{place_text(made[0])} gives" if made is not None else "it is given"
    got = size_text(size, evidence.dim(layer, 0, clash.axis))
    reason = (
        f"{place_text(layer)} splits axis {clash.axis} of its input into {by} equal parts, but {gives} "
        f"{shape_text(given)} with {got} there, and {by} does not divide {size}."
    )
    near = [math.ceil(size / by) * by, size // by * by]
    widths = [of_another_width(made[0], width, None) for width in near if width] if made is not None else []
    remedies: tuple[Remedy, ...] = tuple(each for each in widths if each is not None)
    said = finding_at(
        "SW118", layer, reason, fix=f"give it {near[0]} on axis {clash.axis}, the next multiple of {by}",
        axis=clash.axis, axis_name="channels", expected=f"a multiple of {by}", got=size,
    )  # fmt: skip
    return Diagnosis(said, remedies)


def parts_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """Parts that do not add up to the axis that they are taken off."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        if layer is None or layer.name not in ("split", "split_with_sizes") or clash.kind is not ClashKind.SIZE:
            continue
        parts = next((value for value in layer.settings.values() if isinstance(value, tuple)), ())
        total = f"{' + '.join(map(str, parts))} = {clash.expected}"
        got, made = size_text(clash.got, evidence.dim(layer, 0, clash.axis)), maker(evidence, layer)
        reason = (
            f"{place_text(layer)} takes parts of {total} off axis {clash.axis} of {shape_text(layer.inputs[0])}, "
            f"which has {got}."
        )
        remedy = of_another_width(made[0], clash.expected, None) if made and isinstance(clash.expected, int) else None
        said = finding_at(
            "SW118", layer, reason, fix=f"take parts that add up to {clash.got}", axis=clash.axis,
            expected=clash.expected, got=clash.got,
        )  # fmt: skip
        yield Diagnosis(said, (remedy,) if remedy is not None else ())
