"""Sizes that an expression reads off a tensor, itself or through a name that a line before gave them."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from shapewidget.frameworks.source.text import Source, Span


def along_another_axis(source: Source, line: int, expression: str, axes: tuple[int, int]) -> str | None:
    """An expression with every size that it reads of one axis read of another; None where it reads none.

    Args:
        source: Where it stands.
        line: On which line.
        expression: Its text.
        axes: The axis whose size it reads, and the one to read instead.
    """
    found = _place(source, line, expression)
    if found is None:
        return None
    function, node = found
    changed = _Reading(dict(_assigned(function, node.lineno, axes)), axes)
    text = ast.unparse(changed.visit(copy.deepcopy(node)))
    return text if changed.is_changed else None


def _place(source: Source, line: int, expression: str) -> tuple[ast.AST, ast.expr] | None:
    """The expression, and the innermost function that holds it."""
    function: ast.AST = source.tree
    found = None
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or 0):
            function = node
        if isinstance(node, ast.expr) and node.lineno <= line <= (node.end_lineno or 0) and found is None:
            found = node if source.text(Span.of(node)) == expression else None
    return (function, found) if found is not None else None


def _assigned(function: ast.AST, line: int, axes: tuple[int, int]) -> Iterator[tuple[str, ast.expr]]:
    """The names that hold a size of the axis when a line runs, and what holds that of the other."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign) or node.lineno > line or len(node.targets) != 1:
            continue
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Name) and (tensor := _read_of(value, axes[0])) is not None:
            yield target.id, _size(tensor, axes[1])
        whole = _shape_of(value)
        if whole is None or not isinstance(target, ast.Tuple) or len(target.elts) <= max(axes):
            continue
        held, better = (target.elts[axis] for axis in axes)
        if isinstance(held, ast.Name) and not any(isinstance(each, ast.Starred) for each in target.elts[: max(axes)]):
            is_kept = isinstance(better, ast.Name) and better.id != "_"
            yield held.id, ast.Name(better.id, ast.Load()) if is_kept else _size(whole, axes[1])  # type: ignore[attr-defined]


def _shape_of(node: ast.expr) -> ast.expr | None:
    """The tensor of `x.shape` and `x.size()`."""
    if isinstance(node, ast.Attribute) and node.attr == "shape":
        return node.value
    is_size = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "size"
    return node.func.value if is_size and not node.args else None  # type: ignore[attr-defined]


def _read_of(node: ast.expr, axis: int) -> ast.expr | None:
    """The tensor of which an expression is the size of that axis: `x.shape[0]`, `x.size(0)`, `len(x)`."""
    if isinstance(node, ast.Subscript) and _is_number(node.slice, axis):
        return _shape_of(node.value)
    if not isinstance(node, ast.Call) or len(node.args) != 1:
        return None
    if isinstance(node.func, ast.Attribute) and node.func.attr == "size" and _is_number(node.args[0], axis):
        return node.func.value
    is_length = isinstance(node.func, ast.Name) and node.func.id == "len" and axis == 0
    return node.args[0] if is_length else None


def _is_number(node: ast.expr, number: int) -> bool:
    return isinstance(node, ast.Constant) and node.value == number


def _size(tensor: ast.expr, axis: int) -> ast.expr:
    function = ast.Attribute(copy.deepcopy(tensor), "size", ast.Load())
    return ast.Call(function, [ast.Constant(axis)], [])


class _Reading(ast.NodeTransformer):
    """Puts the size of the other axis in the place of that of one."""

    def __init__(self, names: dict[str, ast.expr], axes: tuple[int, int]) -> None:
        self._names, self._axes = names, axes
        self.is_changed = False

    def visit(self, node: ast.AST) -> ast.AST:
        """Replace a size; look into whatever is none."""
        tensor = _read_of(node, self._axes[0]) if isinstance(node, ast.expr) else None
        held = self._names.get(node.id) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) else None
        if tensor is None and held is None:
            return self.generic_visit(node)
        self.is_changed = True
        return _size(tensor, self._axes[1]) if tensor is not None else copy.deepcopy(held)  # type: ignore[return-value]
