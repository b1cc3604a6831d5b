"""Edits of the code that makes batches: a size that is divided where it should not be, a slice that is cut wrongly."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType

from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.text import Source, Span, recompiled
from shapewidget.graph.records import SourceLine
from shapewidget.graph.remedies import SourceEdit

_MOST_EDITS = 24


@dataclass(frozen=True)
class BatchEdit:
    """A function that makes batches, with one expression replaced.

    Attributes:
        function: The function as edited.
        edit: The edit of the user's source.
        line: The line, and the expression that was replaced.
    """

    function: FunctionType
    edit: SourceEdit
    line: SourceLine


def undivided(function: FunctionType, factor: int) -> Iterator[BatchEdit]:
    """Every size that is divided by a factor, left whole."""
    for source, node in _expressions(function):
        match node:
            case ast.BinOp(left=left, op=ast.FloorDiv() | ast.Div(), right=ast.Constant(value=value)):
                if value == factor:
                    yield from _edited(function, source, node, source.text(Span.of(left)))


def sliced(function: FunctionType, size: str) -> Iterator[BatchEdit]:
    """Every slice that is reckoned from the index, cut from the index times a size to the next one.

    Args:
        function: Takes the index as its last argument.
        size: The number of samples of a batch as text: "self.batch_size".
    """
    code = function.__code__
    index = code.co_varnames[code.co_argcount - 1] if code.co_argcount else ""
    for source, node in _expressions(function):
        if isinstance(node, ast.Slice) and index in _names(node):
            yield from _edited(function, source, node, f"{index} * {size}:({index} + 1) * {size}")


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _expressions(function: FunctionType) -> Iterator[tuple[Source, ast.expr]]:
    """The expressions of a function of the user's, with the source that they stand in."""
    code = function.__code__
    source = Source.read(code.co_filename) if is_own(code.co_filename) else None
    if source is None:
        return
    first, last = code.co_firstlineno, _last_line(code)
    count = 0
    for node in ast.walk(source.tree):
        if isinstance(node, ast.expr) and first <= node.lineno <= last and count < _MOST_EDITS:
            count += isinstance(node, ast.BinOp | ast.Slice)
            yield source, node


def _last_line(code: CodeType) -> int:
    inner = [_last_line(each) for each in code.co_consts if isinstance(each, CodeType)]
    return max([number for _, _, number in code.co_lines() if number is not None] + inner)


def _edited(function: FunctionType, source: Source, node: ast.expr, text: str) -> Iterator[BatchEdit]:
    edit = source.replacing(Span.of(node), text)
    try:
        made = recompiled(function, source, source.edited(edit))
    except (ValueError, LookupError, SyntaxError):
        return  # the source is not what the function was made from
    yield BatchEdit(made, edit, source.line(node.lineno, source.text(Span.of(node))))
