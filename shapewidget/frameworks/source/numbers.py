"""Numbers that the user's code has by a name: which of them an expression computes with, and where they were made.

A number of Python carries no mark of where it comes from. What its name says is told where the name stands for one
thing only: where one statement of its function gives it a value.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.frameworks.source.frames import Capture
from shapewidget.frameworks.source.slices import path_to, span_of
from shapewidget.frameworks.source.text import Source

_OF_NUMBERS = frozenset(("int", "float", "round", "abs", "min", "max", "sum"))
_LEAVING = frozenset(("item", "tolist"))
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_PARTS = (ast.BinOp, ast.UnaryOp, ast.IfExp, ast.Compare, ast.Tuple, ast.List, ast.Slice, ast.Starred, ast.keyword)


def number_made(capture: Capture) -> str | None:
    """The name that the running statement gives a number that is worked out in it, and no other statement does."""
    path = _path(capture)
    statement = next((node for node in reversed(path) if isinstance(node, ast.stmt)), None)
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1 or not _is_number(statement.value):
        return None
    (target,) = statement.targets
    return target.id if isinstance(target, ast.Name) and target.id in _definitions(path) else None


def numbers_read(capture: Capture) -> set[str]:
    """The names of numbers that the running call, subscript or operator is given, and those that they are made of."""
    path = _path(capture)
    definitions = _definitions(path)
    found, waiting = set[str](), list(_given(path[-1])) if path else []
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _names(definitions[name]) if name in definitions else ()
    return found & definitions.keys()


def _path(capture: Capture) -> list[ast.AST]:
    code, instruction = capture
    source, span = Source.read(code.co_filename), span_of(code, instruction)
    return path_to(source.tree, span) if source is not None and span is not None else []


def _definitions(path: list[ast.AST]) -> dict[str, ast.expr]:
    """What the names of a function or cell stand for that are given a value once in it."""
    scope = next((node for node in reversed(path) if isinstance(node, (*_SCOPES, ast.Module))), None)
    nodes = list(_within(scope)) if scope is not None else []
    stored = [node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)]
    stored += [node.arg for node in nodes if isinstance(node, ast.arg)]
    return {
        node.targets[0].id: node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and stored.count(node.targets[0].id) == 1
    }


def _within(scope: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, _SCOPES):
            yield from _within(child)


def _is_number(node: ast.expr) -> bool:
    """Whether an expression turns a tensor into a number, or into a list of numbers, and gives no tensor."""
    if isinstance(node, ast.BinOp):
        return _is_number(node.left) or _is_number(node.right)
    if isinstance(node, ast.UnaryOp):
        return _is_number(node.operand)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in _LEAVING
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _OF_NUMBERS


def _given(node: ast.AST) -> Iterator[str]:
    """The names in what an operation is given beside its tensors."""
    if isinstance(node, ast.Call):
        for each in (*node.args, *node.keywords):
            yield from _names(each)
    elif isinstance(node, ast.Subscript):
        yield from _names(node.slice)
    elif isinstance(node, ast.AugAssign):
        yield from _names(node.value)
    elif isinstance(node, ast.BinOp | ast.Compare):
        yield from _names(node)


def _names(node: ast.AST) -> Iterator[str]:
    """The names that a number is computed of; not those in calls that may give tensors."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Subscript):
        yield from _names(node.value)
    elif isinstance(node, _PARTS):
        for child in ast.iter_child_nodes(node):
            yield from _names(child)
    elif isinstance(node, ast.Call):
        is_of_numbers = isinstance(node.func, ast.Name) and node.func.id in _OF_NUMBERS
        is_of_math = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in ("math", "np", "numpy")
        for each in node.args if is_of_numbers or is_of_math else ():
            yield from _names(each)
