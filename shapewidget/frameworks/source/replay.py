"""The part of the user's program that failed, run again from the values that its frame still held."""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from shapewidget.frameworks.source.text import Source
from shapewidget.graph.remedies import SourceEdit

_RESULT, _HOLE = "__result", "__outputs"
AUGMENTED = -1
"""The place of the expression that ``x += y`` works out."""
WRITTEN = -2
"""The place of what ``x[index] = y`` does, to a copy of `x`."""


@dataclass(frozen=True)
class Replay:
    """Some statements of one function or cell, and an expression behind them.

    Attributes:
        source: The text that they stand in.
        statements: Their places among all statements of the source.
        last: The place of the statement that holds the expression.
        expression: The place of the expression in that statement.
        names: Values of the names that they read.
        hole: The function of the call that is left out, as text: what the call gives is handed in.
        free: The names whose values are handed in behind it.
    """

    source: Source
    statements: tuple[int, ...]
    last: int
    expression: int
    names: Mapping[str, object]
    hole: str | None = None
    free: tuple[str, ...] = ()

    def __call__(self, outputs: Any, values: Any) -> Any:
        """What it gives for these outputs of the call that is left out, and these values of the free names.

        Args:
            outputs: Stands for the call.
            values: The value of the free name; a tuple where there are several.
        """
        handed = (values,) if len(self.free) == 1 else values
        return self.run({_HOLE: outputs, **dict(zip(self.free, handed, strict=True))})

    def run(self, handed: Mapping[str, object] | None = None) -> Any:
        """What it gives, with other values of some names; what it prints and warns of is not shown."""
        scope = {**self.names, **(handed or {})}
        code = compile(self._module(), self.source.filename, "exec", dont_inherit=True)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            exec(code, scope)
        return scope[_RESULT]

    @property
    def __name__(self) -> str:
        """What it is called in the graph, where it stands for a loss."""
        return "loss"

    def edited(self, edit: SourceEdit) -> Replay:
        """The same with the source edited."""
        return replace(self, source=self.source.edited(edit))

    def holds(self, filename: str, line: int) -> bool:
        """Whether a line is part of it."""
        spans = [(node.lineno, node.end_lineno or node.lineno) for node in self.nodes()]
        return filename == self.source.filename and any(first <= line <= last for first, last in spans)

    def nodes(self) -> list[ast.stmt | ast.expr]:
        """Its statements and its expression."""
        every = statements_of(self.source)
        return [*(every[place] for place in self.statements), part(every[self.last], self.expression)]

    def calls(self) -> Iterator[ast.Call]:
        """Every call in it."""
        for node in self.nodes():
            yield from (each for each in ast.walk(node) if isinstance(each, ast.Call))

    def _module(self) -> ast.Module:
        *statements, value = copy.deepcopy(self.nodes())
        assert isinstance(value, ast.expr)
        result = ast.copy_location(ast.Assign([ast.Name(_RESULT, ast.Store())], value), value)
        module = ast.Module([*statements, result], [])  # type: ignore[list-item]
        if self.hole is not None:
            module = _WithHole(self.hole).visit(module)
        return ast.fix_missing_locations(module)


class _WithHole(ast.NodeTransformer):
    """Puts a name in the place of the calls of one function."""

    def __init__(self, function: str) -> None:
        self._function = function

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Replace the call, or look into its arguments."""
        if ast.unparse(node.func) == self._function:
            return ast.copy_location(ast.Name(_HOLE, ast.Load()), node)
        return self.generic_visit(node)


def statements_of(source: Source) -> list[ast.stmt]:
    """All statements of a source, always in the same order, also once an expression in it was edited."""
    return [node for node in ast.walk(source.tree) if isinstance(node, ast.stmt)]


def part(statement: ast.stmt, place: int) -> ast.expr:
    """The expression at a place in a statement, as `place_of` gives it."""
    if place == AUGMENTED:
        assert isinstance(statement, ast.AugAssign)
        read = copy.deepcopy(statement.target)
        read.ctx = ast.Load()
        return ast.copy_location(ast.BinOp(read, statement.op, statement.value), statement)
    if place == WRITTEN:
        return _written(statement)
    return [node for node in ast.walk(statement) if isinstance(node, ast.expr)][place]


def _written(statement: ast.stmt) -> ast.expr:
    assert isinstance(statement, ast.Assign)
    target = statement.targets[0]
    assert isinstance(target, ast.Subscript)
    owner = ast.Call(ast.Attribute(copy.deepcopy(target.value), "clone", ast.Load()), [], [])
    index = _WithSlices().visit(copy.deepcopy(target.slice))
    call = ast.Call(ast.Attribute(owner, "__setitem__", ast.Load()), [index, statement.value], [])
    return ast.copy_location(call, statement)


class _WithSlices(ast.NodeTransformer):
    """Writes slices as calls, as they have to be outside of brackets."""

    def visit_Slice(self, node: ast.Slice) -> ast.AST:
        """``a:b`` as ``slice(a, b, None)``."""
        bounds = [bound if bound is not None else ast.Constant(None) for bound in (node.lower, node.upper, node.step)]
        return ast.copy_location(ast.Call(ast.Name("slice", ast.Load()), bounds, []), node)


def place_of(statement: ast.stmt, node: ast.AST) -> int:
    """The place of an expression in a statement."""
    if node is statement:
        return AUGMENTED
    if isinstance(statement, ast.Assign) and node in statement.targets and isinstance(node, ast.Subscript):
        return WRITTEN
    return [each for each in ast.walk(statement) if isinstance(each, ast.expr)].index(node)  # type: ignore[arg-type]
