"""Where the user's source makes a layer or a loss, and edits of that place."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from shapewidget.frameworks.source import Capture, resolve
from shapewidget.frameworks.source.calls import argument
from shapewidget.frameworks.source.edits import adding_keyword
from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.text import Source, Span
from shapewidget.graph.remedies import SourceEdit


@dataclass(frozen=True)
class Site:
    """A call in the user's source that makes something.

    Attributes:
        source: The file or cell.
        call: The call.
    """

    source: Source
    call: ast.Call

    @property
    def text(self) -> str:
        """The call on one line."""
        return " ".join(self.source.text(Span.of(self.call)).split())

    def prefix(self, name: str) -> str:
        """How a class beside the one that is called is named here: "layers.Flatten" beside "layers.Dense"."""
        if isinstance(self.call.func, ast.Attribute):
            owner = ast.unparse(self.call.func.value)
            return f"{owner}.{'layers.' if self.call.func.attr == 'Input' and owner in ('keras', 'tf.keras') else ''}{name}"
        imported = {
            alias.asname or alias.name
            for node in ast.walk(self.source.tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        return name if name in imported else f"layers.{name}" if "layers" in imported else f"keras.layers.{name}"

    def with_argument(self, owner: Any, name: str, value: object) -> SourceEdit:
        """The edit that gives the call another argument; one of a wrapped layer where the wrapper has none."""
        call = self._holder(owner, name)
        names = list(inspect.signature(owner).parameters) if call is self.call else [name]
        given = argument(call, name, names)
        if given is not None:
            return self.source.replacing(Span.of(given), repr(value))
        return adding_keyword(self.source, call, name, repr(value))

    def _holder(self, owner: Any, name: str) -> ast.Call:
        inner = self.call.args[0] if self.call.args else None
        is_inside = name not in inspect.signature(owner).parameters and issubclass(owner, keras.layers.Wrapper)
        return inner if is_inside and isinstance(inner, ast.Call) else self.call

    def with_layer_before(self, made: str, place: int) -> SourceEdit | None:
        """The edit that puts a layer before the one that is made here, where that is called or listed at once."""
        parent = _parent(self.source.tree, self.call)
        start = Span.of(self.call)
        at = Span(start.line, start.column, start.line, start.column)
        match parent:
            case ast.List() | ast.Tuple():
                return self.source.replacing(at, f"{made}, ")
            case ast.Call(func=function, args=[given]) if function is self.call:
                target = given.elts[place] if isinstance(given, ast.List | ast.Tuple) else given
                return self.source.replacing(Span.of(target), f"{made}({self.source.text(Span.of(target))})")
            case ast.Call(func=ast.Attribute(attr="add")):
                statement = Span.of(parent)
                head = self.source.lines[statement.line - 1].encode()[: statement.column].decode()
                added = self.source.text(Span(*statement.start, *start.start)) + f"{made})"
                return self.source.replacing(Span(*statement.start, *statement.start), f"{added}\n{head}")
        return None

    def replaced(self, text: str) -> SourceEdit:
        """The edit that puts another call in its place."""
        return self.source.replacing(Span.of(self.call), text)


def _parent(tree: ast.AST, child: ast.AST) -> ast.AST | None:
    return next((node for node in ast.walk(tree) if any(each is child for each in ast.iter_child_nodes(node))), None)


def site_at(capture: Capture | None) -> Site | None:
    """The call that was running; None where its source cannot be seen or is not the user's."""
    line = resolve(capture) if capture is not None else None
    if line is None or line.expression is None or not is_own(line.filename):
        return None
    source = Source.read(line.filename)
    for node in ast.walk(source.tree) if source is not None else ():
        if isinstance(node, ast.Call) and source is not None and Span.of(node).line <= line.line <= Span.of(node).end_line:
            if source.text(Span.of(node)) == line.expression:
                return Site(source, node)
    return None
