"""Values that a mask picks out of a table of pairs, read as rows of one length, which only some masks give."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.chains import axis_argument, readers
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.operand_texts import call_of, is_method
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression

_FILLED = {"max": "float('-inf')", "amax": "float('-inf')", "min": "float('inf')", "amin": "float('inf')", "sum": "0"}
"""What never is the largest, or the smallest, of a row, and what adds nothing to it."""

_FORMS = frozenset(("contiguous", "view", "reshape"))
_PICKING = frozenset(("index", "masked_select"))


def is_of_picked_pairs(evidence: Evidence, layer: Layer) -> bool:
    """Whether a reshape is given what a mask has picked out of a table of the mask's own shape."""
    node = evidence.producer(layer.id, 0)
    while node is not None and node.name in _FORMS:
        node = evidence.producer(node.id, 0)
    if node is None or node.name not in _PICKING or len(node.inputs) != 2:
        return False
    table, mask = node.inputs
    return len(table.shape) == 2 and table.shape == mask.shape and mask.dtype == "bool" and "float" in table.dtype


def masked_instead(evidence: Evidence, layer: Layer) -> Iterator[EditExpression]:
    """The table with what the mask leaves out filled, where one value is made of a row, and not its place."""
    reads, parts = list(readers(evidence, layer)), _parts(layer)
    names = {reader.name for reader, _ in reads if axis_argument(reader) == 1}
    are_values_only = all(edge.output == 0 for it, _ in reads for edge in evidence.edges_out.get(it.id, ()))
    if parts is None or len(names) != 1 or not are_values_only or layer.source is None:
        return
    (table, mask), name = parts, names.pop()
    if name == "mean" and len(reads) == 1 and reads[0][0].source is not None:
        yield EditExpression(reads[0][0].source, f"({table} * {mask}).sum(1) / {mask}.sum(1)")
    elif name in _FILLED:
        yield EditExpression(layer.source, f"{table}.masked_fill(~{mask}, {_FILLED[name]})")


def _parts(layer: Layer) -> tuple[str, str] | None:
    """The table and the mask of ``table[mask].view(n, -1)``."""
    node: ast.expr | None = call_of(layer.source)
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _FORMS:
        node = node.func.value
    match node:
        case ast.Subscript(value=table, slice=mask):
            pass
        case ast.Call(func=ast.Attribute(attr="masked_select", value=table) as function, args=[mask]) if is_method(
            function
        ):
            pass
        case ast.Call(func=ast.Attribute(attr="masked_select"), args=[table, mask]):
            pass
        case _:
            return None
    return _closed(table), _closed(mask)


def _closed(node: ast.expr) -> str:
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute | ast.Call) else f"({ast.unparse(node)})"
