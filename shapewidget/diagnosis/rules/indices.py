"""Indices of another rank than the tensor, and values that do not fit into the part that they are written to."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.operand_texts import call_of, is_method
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Clash, ClashKind, Layer
from shapewidget.graph.remedies import EditExpression

INDEXED = frozenset(("gather", "scatter", "scatter_add", "scatter_reduce", "take_along_dim", "index_put"))


def index_refused(evidence: Evidence) -> Iterator[Diagnosis]:
    """`gather`, `scatter` or an assignment to a part of a tensor that raised because of sizes or ranks."""
    for clash in evidence.clashes:
        layer = evidence.layer(clash.layer_id)
        name = layer.name.rstrip("_") if layer is not None else ""
        if layer is None or name not in INDEXED or clash.kind not in (ClashKind.SIZE, ClashKind.RANK):
            continue
        if clash.input >= len(layer.inputs):
            continue
        yield _written(evidence, clash, layer) if name == "index_put" else _indexed(clash, layer)


def _indexed(clash: Clash, layer: Layer) -> Diagnosis:
    given, index = layer.inputs[0], layer.inputs[clash.input]
    does = "scatters into" if layer.name.startswith("scatter") else "picks out of"
    reason = (
        f"{place_text(layer)} {does} {shape_text(given)}, which has {clash.expected} axes, with the index "
        f"{shape_text(index)}, which has {clash.got}: the index needs an axis for each of the tensor, of size 1 where "
        f"one value is picked."
    )
    edit = _with_axis(layer)
    fix = edit.replacement if edit is not None else "index.unsqueeze(dim), and squeeze(dim) of what comes out"
    said = finding_at(
        "SW110", layer, reason, fix=fix, axis=len(index.shape), axis_name="axes", expected=clash.expected,
        got=clash.got, input=clash.input,
    )  # fmt: skip
    return Diagnosis(said, (edit,) if edit is not None else ())


def _with_axis(layer: Layer) -> EditExpression | None:
    """The index with the axis that it lacks, and what is picked without it; what is scattered to keeps its axes."""
    call, source = call_of(layer.source), layer.source
    if call is None or source is None or source.expression is None or not layer.name.startswith(("gather", "scatter")):
        return None
    args = call.args if is_method(call.func) else call.args[1:]
    named = {each.arg: each.value for each in call.keywords}
    axis = named.get("dim", args[0] if args else None)
    index = named.get("index", args[1] if len(args) > 1 else None)
    if axis is None or index is None or index.lineno != 1 or index.end_lineno != 1 or index.end_col_offset is None:
        return None
    text, dim = source.expression.encode(), ast.unparse(axis)
    begin, end = index.col_offset - 1, index.end_col_offset - 1
    plain = text[begin:end].decode()
    plain = plain if isinstance(index, ast.Name | ast.Attribute | ast.Call | ast.Subscript) else f"({plain})"
    values = named.get("src", args[2] if len(args) > 2 else None)
    if layer.name.startswith("scatter") and values is not None and _is_a_row_each(layer):
        widened = f"{plain}.unsqueeze(-1).expand_as({ast.unparse(values)})"
        return EditExpression(source, f"{text[:begin].decode()}{widened}{text[end:].decode()}")
    made = f"{text[:begin].decode()}{plain}.unsqueeze({dim}){text[end:].decode()}"
    return EditExpression(source, f"{made}.squeeze({dim})" if layer.name == "gather" else made)


def _is_a_row_each(layer: Layer) -> bool:
    """Whether an index of one axis says for each row of the values where the whole row goes."""
    shapes = [spec.shape for spec in layer.inputs]
    return len(shapes) > 2 and len(shapes[0]) == len(shapes[2]) == 2 and shapes[1] == shapes[2][:1]


def _written(evidence: Evidence, clash: Clash, layer: Layer) -> Diagnosis:
    given, values = layer.inputs[0], layer.inputs[clash.input]
    where = layer.settings.get("1", "")
    if clash.axis is None:
        clause = f"they have {clash.got} axes, and that part has {clash.expected}"
    else:
        got = size_text(clash.got, evidence.dim(layer, clash.input, clash.axis))
        clause = f"axis {clash.axis} of the values has {got}, and that part has {clash.expected}"
    reason = f"The line writes values {shape_text(values)} to {where} of {shape_text(given)}: {clause}."
    said = finding_at(
        "SW201", layer, reason, fix=f"give values that broadcast to {where} of {given.shape}", axis=clash.axis,
        expected=clash.expected, got=clash.got, input=clash.input,
    )  # fmt: skip
    return Diagnosis(replace(said, op="setitem"), tuple(_cut(evidence, clash, layer)))


def _cut(evidence: Evidence, clash: Clash, layer: Layer) -> Iterator[EditExpression]:
    """The values cut to the part that they are written to, where they are longer and no samples are lost by it."""
    source, axis = layer.source, clash.axis
    dim = evidence.dim(layer, clash.input, axis) if axis is not None else None
    if dim is not None and "B" in dim.names:
        return
    if source is None or axis is None or not isinstance(clash.got, int) or not isinstance(clash.expected, int):
        return
    try:
        statement = ast.parse(source.text.strip()).body[0]
    except (SyntaxError, IndexError):
        return
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1 or clash.got < clash.expected:
        return
    value = ast.get_source_segment(source.text.strip(), statement.value)
    if value is not None:
        text = (
            value if isinstance(statement.value, ast.Name | ast.Call | ast.Attribute | ast.Subscript) else f"({value})"
        )
        items = ", ".join((*[":"] * axis, f":{clash.expected}"))
        yield EditExpression(replace(source, expression=value), f"{text}[{items}]")
