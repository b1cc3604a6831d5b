"""Edits of the user's source: an argument more, another expression."""

from __future__ import annotations

import ast

from shapewidget.frameworks.source.text import Source, Span
from shapewidget.graph.remedies import SourceEdit

_CLOSED = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.Constant, ast.List, ast.Dict)
"""Expressions that bind as tightly as any, and so need no parentheses wherever they stand."""


def adding_keyword(source: Source, call: ast.Call, name: str, text: str) -> SourceEdit:
    """The edit that adds a keyword argument to a call, behind those that it has."""
    whole = Span.of(call)
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    last = max((Span.of(each).end for each in given), default=Span.of(call.func).end)
    tail = source.text(Span(*last, *whole.end))[:-1].encode()
    code = b"".join(_without_comment(line) for line in tail.splitlines(keepends=True))
    place = max(code.rfind(b")"), code.rfind(b","), code.rfind(b"(") if not given else -1) + 1
    rows = tail[:place].split(b"\n")
    column = last[1] + len(rows[0]) if len(rows) == 1 else len(rows[-1])
    spot = (last[0] + len(rows) - 1, column)
    separator = "" if not given else " " if tail[:place].endswith(b",") else ", "
    return source.replacing(Span(*spot, *spot), f"{separator}{name}={text}")


def _without_comment(line: bytes) -> bytes:
    """The line with its comment blanked out; no string can stand behind the last argument of a call."""
    code, _, comment = line.partition(b"#")
    return code + b" " * (len(line) - len(code)) if comment else line


def replacing_expression(source: Source, line: int, expression: str, replacement: str) -> SourceEdit | None:
    """The edit that puts another expression in the place of the one on a line; None where it is not found there."""
    parents = {child: parent for parent in ast.walk(source.tree) for child in ast.iter_child_nodes(parent)}
    for node, parent in parents.items():
        if isinstance(node, ast.expr | ast.AugAssign) and not isinstance(getattr(node, "ctx", None), ast.Store):
            span = Span.of(node)
            if span.line <= line <= span.end_line and source.text(span) == expression:
                is_statement = isinstance(node, ast.AugAssign)
                return source.replacing(span, replacement if is_statement else _fitting(replacement, node, parent))
    return None


def _fitting(replacement: str, node: ast.AST, parent: ast.AST) -> str:
    """The expression, in parentheses where what is around it could take it apart."""
    inner = ast.parse(replacement, mode="eval").body
    is_alike = isinstance(inner, ast.BinOp) and isinstance(node, ast.BinOp) and type(inner.op) is type(node.op)
    stands_alone = is_alike or isinstance(inner, _CLOSED) or isinstance(parent, ast.stmt | ast.keyword | ast.Lambda)
    return replacement if stands_alone else f"({replacement})"


def as_operand(source: Source, node: ast.expr) -> str:
    """The text of an expression, in parentheses where an operator or a method behind it would take it apart."""
    text = source.text(Span.of(node))
    return text if isinstance(node, _CLOSED) else f"({text})"
