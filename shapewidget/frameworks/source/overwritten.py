"""What the user's code keeps under a name and replaces before anything reads it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shapewidget.frameworks.source.text import Source
from shapewidget.graph.records import SourceLine


class Overwritten(NamedTuple):
    """A name, and the lines of the statement that gives it another value."""

    name: str
    first_line: int
    last_line: int


def overwritten(line: SourceLine) -> Overwritten | None:
    """Where the value of an expression is lost; None unless the next statement to mention its name replaces it.

    That statement may still mention the name, as one of two values between which it chooses: only a run tells which.
    """
    source = Source.read(line.filename)
    if source is None or line.expression is None:
        return None
    for block in _blocks(source.tree):
        for place, statement in enumerate(block.statements):
            name = _assigned(statement)
            if name is None or statement.lineno != line.line:
                continue
            value = statement.value  # type: ignore[attr-defined]
            if ast.get_source_segment("".join(source.lines), value) == line.expression:
                return _next(block, place, name)
    return None


class _Block(NamedTuple):
    statements: Sequence[ast.stmt]
    is_repeated: bool


def _blocks(tree: ast.AST) -> Iterator[_Block]:
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if isinstance(statements, list):
                yield _Block(statements, isinstance(node, ast.For | ast.While) and field == "body")


def _assigned(statement: ast.stmt) -> str | None:
    """The one name that a statement gives a value."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return None


def _next(block: _Block, place: int, name: str) -> Overwritten | None:
    behind = block.statements[place + 1 :]
    around = (*behind, *block.statements[: place + 1]) if block.is_repeated else behind
    statement = next((each for each in around if _mentions(each, name)), None)
    if statement is None or _assigned(statement) != name or statement.end_lineno is None:
        return None
    value = statement.value  # type: ignore[attr-defined]
    chosen = [each for node in ast.walk(value) if isinstance(node, ast.IfExp) for each in (node.body, node.orelse)]
    free = {id(each) for each in chosen if isinstance(each, ast.Name)}
    is_read = any(isinstance(node, ast.Name) and node.id == name and id(node) not in free for node in ast.walk(value))
    return None if is_read else Overwritten(name, statement.lineno, statement.end_lineno)


def _mentions(statement: ast.stmt, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(statement))
