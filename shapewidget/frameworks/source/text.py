"""A file or a notebook cell as text: exact places in it, edits of it, and its functions compiled again."""

from __future__ import annotations

import ast
import difflib
import linecache
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from types import CodeType, FunctionType
from typing import NamedTuple

from shapewidget.frameworks.source.cells import label
from shapewidget.graph.records import SourceLine
from shapewidget.graph.remedies import SourceEdit


class Span(NamedTuple):
    """A stretch of text: lines from 1, columns in bytes of UTF-8 from 0, as Python counts them."""

    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def of(cls, node: ast.expr | ast.stmt) -> Span:
        """The stretch that a node of the syntax tree covers."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return cls(node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)

    @property
    def start(self) -> tuple[int, int]:
        """Line and column of its first byte."""
        return self.line, self.column

    @property
    def end(self) -> tuple[int, int]:
        """Line and column behind its last byte."""
        return self.end_line, self.end_column


@lru_cache(maxsize=8)
def _parsed(lines: tuple[str, ...]) -> ast.Module:
    try:
        return ast.parse("".join(lines))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


@dataclass(frozen=True)
class Source:
    """The text of one file or cell.

    Attributes:
        filename: Its name as Python knows it.
        lines: Its lines, with their line ends.
    """

    filename: str
    lines: tuple[str, ...]

    @classmethod
    def read(cls, filename: str) -> Source | None:
        """The source of that name; None where there is none to be seen, as behind `exec`."""
        lines = tuple(linecache.getlines(filename))
        return cls(filename, lines) if lines else None

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree, empty if it is no Python; shared, so not to be changed."""
        return _parsed(self.lines)

    @property
    def imported(self) -> set[str]:
        """The names that it imports."""
        imports = (node for node in ast.walk(self.tree) if isinstance(node, ast.Import | ast.ImportFrom))
        return {alias.asname or alias.name for node in imports for alias in node.names}

    def text(self, span: Span) -> str:
        """The text that a span covers."""
        lines = [line.encode() for line in self.lines[span.line - 1 : span.end_line]]
        lines[-1] = lines[-1][: span.end_column]
        lines[0] = lines[0][span.column :]
        return b"".join(lines).decode(errors="replace")

    def line(self, number: int, expression: str | None = None) -> SourceLine:
        """One of its lines, and what of it is meant."""
        return SourceLine(self.filename, label(self.filename), number, self.lines[number - 1].strip(), expression)

    def replacing(self, span: Span, text: str) -> SourceEdit:
        """The edit that puts `text` in the place of a span."""
        before = self.lines[span.line - 1 : span.end_line]
        head = before[0].encode()[: span.column].decode()
        tail = before[-1].encode()[span.end_column :].decode()
        after = tuple(StringIO(head + text + tail))
        return SourceEdit(label(self.filename), span.line, before, after)

    def edited(self, edit: SourceEdit) -> Source:
        """The source once an edit is made."""
        first = edit.first_line - 1
        return Source(self.filename, self.lines[:first] + edit.after + self.lines[first + len(edit.before) :])

    def diff_from(self, before: Source) -> str:
        """What was changed, as a unified diff."""
        name = label(self.filename)
        lines = difflib.unified_diff(before.lines, self.lines, name, name, n=0)
        return "".join(line if line.endswith("\n") else line + "\n" for line in lines)

    def functions(self, *, by_statement: bool) -> Iterator[CodeType]:
        """The code of all its functions, in order, compiled as a whole or as notebooks do it, each statement alone.

        The two differ in their instructions: only as a whole does Python see that a name is an imported module.
        """
        statements = self.tree.body
        units = [ast.Module([each], []) for each in statements] if by_statement else [self.tree]
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        pending = [compile(unit, self.filename, "exec", flags=flags, dont_inherit=True) for unit in units]
        while pending:
            inner = [constant for constant in pending.pop(0).co_consts if isinstance(constant, CodeType)]
            yield from inner
            pending += inner


def recompiled(function: FunctionType, source: Source, edited: Source) -> FunctionType:
    """A function as it would be if its source were as edited.

    It has the original's defaults and closure, and a copy of its globals. Its decorators are not applied again.

    Raises:
        ValueError: The source is not what the function was made from: the file has changed since.
        LookupError: The edit needs a variable that the function does not close over.
    """
    code = _recompiled(function.__code__, source, edited)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    closure = tuple(cells[name] for name in code.co_freevars)
    made = FunctionType(code, dict(function.__globals__), function.__name__, function.__defaults__, closure)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def _recompiled(code: CodeType, source: Source, edited: Source) -> CodeType:
    for by_statement in (False, True):
        alike = _alike(code, source.functions(by_statement=by_statement))
        if code in alike:
            return _alike(code, edited.functions(by_statement=by_statement))[alike.index(code)]
    raise ValueError(f"{source.filename} has changed since {code.co_qualname} was made from it")


def _alike(code: CodeType, others: Iterable[CodeType]) -> list[CodeType]:
    """Functions of the same name on the same line; more than one only for lambdas."""
    key = (code.co_qualname, code.co_firstlineno)
    return [other for other in others if (other.co_qualname, other.co_firstlineno) == key]
