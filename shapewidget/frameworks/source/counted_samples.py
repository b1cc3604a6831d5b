"""Averages over a pass that are divided by as many samples as full batches would hold."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from types import FrameType
from typing import Any

from shapewidget.frameworks.source.loop_replay import function_at
from shapewidget.frameworks.source.repeatable import value_of_name
from shapewidget.frameworks.source.text import Source, Span
from shapewidget.graph.training import CountedFull


def counted_full(frame: FrameType | None, loader: Any, size: int) -> CountedFull | None:
    """Where a function divides by the number of batches of a loader times their size; None where it does not.

    Args:
        frame: The function in which the pass over the loader came to its end; not kept.
        loader: The loader.
        size: How many samples a full batch of it has.
    """
    source = Source.read(frame.f_code.co_filename) if frame is not None else None
    if frame is None or source is None:
        return None
    names = {**frame.f_globals, **frame.f_locals}
    holder = function_at(source.tree, frame.f_lineno)
    named = {
        node.targets[0].id: found
        for node in ast.walk(holder)
        if isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name)
        and (found := _product(node.value, loader, size, names)) is not None
    }
    for node in ast.walk(holder):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            found = _product(node.right, loader, size, names)
            if isinstance(node.right, ast.Name):
                found = named.get(node.right.id)
            if found is not None:
                return _told(source, *found)
    return None


def _product(node: ast.expr, loader: Any, size: int, names: Mapping[str, object]) -> tuple[ast.BinOp, ast.expr] | None:
    """The product of the number of batches with the size of one, and what names the loader in it."""
    if isinstance(node, ast.IfExp):
        chosen = value_of_name(node.test, names)
        return None if chosen is None else _product(node.body if chosen else node.orelse, loader, size, names)
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult):
        return None
    for one, other in ((node.left, node.right), (node.right, node.left)):
        match one:
            case ast.Call(func=ast.Name(id="len"), args=[given]) if value_of_name(given, names) is loader:
                value = other.value if isinstance(other, ast.Constant) else value_of_name(other, names)
                return (node, given) if value == size else None
    return None


def _told(source: Source, product: ast.BinOp, loader: ast.expr) -> CountedFull:
    span = Span.of(product)
    edit = source.replacing(span, f"len({source.text(Span.of(loader))}.dataset)")
    return CountedFull(source.line(product.lineno, source.text(span)), edit)
