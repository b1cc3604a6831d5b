"""Which loop of the user's code a line stands in."""

from __future__ import annotations

import ast

from shapewidget.frameworks.source.text import Source
from shapewidget.graph.records import SourceLine


def are_in_one_loop(one: SourceLine | None, other: SourceLine | None) -> bool:
    """Whether the innermost loop around two lines is the same one."""
    if one is None or other is None or one.filename != other.filename:
        return False
    source = Source.read(one.filename)
    loops = [_innermost(source.tree, line.line) for line in (one, other)] if source is not None else [None]
    return loops[0] is not None and loops[0] is loops[-1]


def _innermost(tree: ast.AST, line: int) -> ast.AST | None:
    """The innermost loop that holds a line, unless a function that is defined in it does."""
    found: ast.AST | None = None
    for node in ast.walk(tree):
        if not isinstance(node, ast.For | ast.While | ast.FunctionDef | ast.Lambda):
            continue
        if node.lineno < line <= (node.end_lineno or 0) and (found is None or node.lineno >= found.lineno):  # type: ignore[attr-defined]
            found = node
    return found if isinstance(found, ast.For | ast.While) else None
