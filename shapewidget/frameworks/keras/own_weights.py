"""Where the `build` of a layer of the user's says how large a weight is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import FunctionType

from shapewidget.frameworks.source.calls import argument
from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.repeatable import definition
from shapewidget.frameworks.source.text import Source, Span
from shapewidget.graph.remedies import EditExpression

_ADDED = ("shape",)


def made_for_input(owner: type, weight: str, axis: int) -> EditExpression | None:
    """The edit of `build` that makes one axis of a weight as long as the input has features; None where none is seen.

    Args:
        owner: The class of the layer.
        weight: The attribute that holds the weight.
        axis: Which axis of it.
    """
    method = next((vars(base)["build"] for base in owner.__mro__ if "build" in vars(base)), None)
    if not isinstance(method, FunctionType) or not is_own(method.__code__.co_filename):
        return None
    node, source = definition(method), Source.read(method.__code__.co_filename)
    if source is None or not isinstance(node, ast.FunctionDef) or len(node.args.args) != 2:
        return None
    for call in _added(node, weight):
        shape = argument(call, "shape", _ADDED)
        if isinstance(shape, ast.Tuple | ast.List) and len(shape.elts) > axis:
            size = shape.elts[axis]
            line = source.line(size.lineno, source.text(Span.of(size)))
            return EditExpression(line, f"{node.args.args[1].arg}[-1]")
    return None


def _added(method: ast.FunctionDef, weight: str) -> Iterator[ast.Call]:
    """The calls of `add_weight` of which the result is kept under a name."""
    for statement in ast.walk(method):
        match statement:
            case ast.Assign(
                targets=[ast.Attribute(attr=name)], value=ast.Call(func=ast.Attribute(attr="add_weight")) as call
            ) if name == weight:
                yield call
