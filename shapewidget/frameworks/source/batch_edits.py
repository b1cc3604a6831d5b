"""Edits of the code that makes batches: a size that is divided where it should not be, a slice that is cut wrongly."""

from __future__ import annotations

import ast
import contextlib
import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.text import Source, Span, recompiled
from shapewidget.graph.records import SourceLine
from shapewidget.graph.remedies import SourceEdit

_MOST_EDITS = 24
_OTHER = {"stack": "1", "pad_sequence": "True"}
"""The axis that is not the default."""


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
    """Every slice that is reckoned from the index, cut from the index times a size to the next one; all at once first.

    Args:
        function: Takes the index as its last argument.
        size: The number of samples of a batch as text: "self.batch_size".
    """
    code = function.__code__
    index = code.co_varnames[code.co_argcount - 1] if code.co_argcount else ""
    text = f"{index} * {size}:({index} + 1) * {size}"
    found = [each for each in _expressions(function) if isinstance(each[1], ast.Slice) and index in _names(each[1])]
    if len(found) > 1:
        yield from _all_edited(function, found[0][0], [(node, text) for _, node in found])
    for source, node in found:
        yield from _edited(function, source, node, text)


def samples_in_front(function: FunctionType) -> Iterator[BatchEdit]:
    """Every call that stacks or pads samples, along the other axis: all of them at once, then each by itself."""
    found = [
        (source, node, text)
        for source, node in _expressions(function)
        if isinstance(node, ast.Call) and (text := _other_axis(source, node)) is not None
    ]
    if len(found) > 1:
        yield from _all_edited(function, found[0][0], [(node, text) for _, node, text in found])
    for source, node, text in found:
        yield from _edited(function, source, node, text)


def summed_up(function: FunctionType) -> Iterator[BatchEdit]:
    """Every name that is set anew in a loop, added up instead."""
    for source, loop in _nodes(function, ast.For | ast.While):
        for node in ast.walk(loop):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                text = f"{node.targets[0].id} += {source.text(Span.of(node.value))}"
                yield from _edited(function, source, node, text)


def _other_axis(source: Source, call: ast.Call) -> str | None:
    """A call of `stack` or `pad_sequence` along the other of the first two axes; None for another call."""
    call, text = copy.deepcopy(call), source.text(Span.of(call))
    name = ast.unparse(call.func).rpartition(".")[2]
    named = {each.arg: each.value for each in call.keywords}
    keyword = {"pad_sequence": "batch_first", "stack": "axis" if "axis" in named else "dim"}.get(name)
    if keyword is None or not call.args:
        return None
    value = named.get(keyword, call.args[1] if len(call.args) > 1 else None)
    if value is None:
        return f"{text.rstrip().removesuffix(')').rstrip().rstrip(',')}, {keyword}={_OTHER[name]})"
    if not isinstance(value, ast.Constant) or value.value not in (0, 1):
        return None
    value.value = not value.value if isinstance(value.value, bool) else 1 - value.value
    return ast.unparse(call)


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _expressions(function: FunctionType) -> Iterator[tuple[Source, ast.expr]]:
    """The expressions of a function of the user's, with the source that they stand in."""
    count = 0
    for source, node in _nodes(function, ast.expr):
        if count < _MOST_EDITS:
            count += isinstance(node, ast.BinOp | ast.Slice)
            yield source, node


def _nodes(function: FunctionType, kind: Any) -> Iterator[tuple[Source, Any]]:
    """The nodes of a kind in a function of the user's, with the source that they stand in."""
    code = function.__code__
    source = Source.read(code.co_filename) if is_own(code.co_filename) else None
    if source is not None:
        first, last = code.co_firstlineno, _last_line(code)
        yield from (
            (source, node) for node in ast.walk(source.tree) if isinstance(node, kind) and first <= node.lineno <= last
        )


def _last_line(code: CodeType) -> int:
    inner = [_last_line(each) for each in code.co_consts if isinstance(each, CodeType)]
    return max([number for _, _, number in code.co_lines() if number is not None] + inner)


def _edited(function: FunctionType, source: Source, node: ast.expr | ast.stmt, text: str) -> Iterator[BatchEdit]:
    edit = source.replacing(Span.of(node), text)
    try:
        made = recompiled(function, source, source.edited(edit))
    except (ValueError, LookupError, SyntaxError):
        return  # the source is not what the function was made from
    yield BatchEdit(made, edit, source.line(node.lineno, source.text(Span.of(node))))


def _all_edited(function: FunctionType, source: Source, changes: Sequence[tuple[ast.expr, str]]) -> Iterator[BatchEdit]:
    """Several expressions replaced at once, the last first, so that the places of the others stay."""
    edited = source
    for node, text in sorted(changes, key=lambda change: Span.of(change[0]), reverse=True):
        edited = edited.edited(edited.replacing(Span.of(node), text))
    first, last = min(node.lineno for node, _ in changes), max(node.end_lineno or 0 for node, _ in changes)
    line = source.line(first, source.text(Span.of(changes[0][0])))
    edit = SourceEdit(line.label, first, source.lines[first - 1 : last], edited.lines[first - 1 : last])
    with contextlib.suppress(ValueError, LookupError, SyntaxError):  # the source is not what the function was made from
        yield BatchEdit(recompiled(function, source, edited), edit, line)
