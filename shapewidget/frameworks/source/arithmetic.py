"""Sizes as the user wrote them: what ``2 * hidden`` comes to, and what `hidden` must have been.

A few operators on numbers are worked out here; nothing is handed to `eval`.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

Known = Mapping[str, object]
"""Values by the text of their expression: "hidden", "self.hidden", "config.hidden_size"."""

_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


def is_size(value: object) -> bool:
    """Whether a value is a whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def atom(expression: ast.expr) -> str | None:
    """The text of a name or dotted name; None for anything else."""
    root = expression
    while isinstance(root, ast.Attribute):
        root = root.value
    return ast.unparse(expression) if isinstance(root, ast.Name) else None


def atoms(expression: ast.expr) -> set[str]:
    """The names and dotted names that an expression reads."""
    text = atom(expression)
    if text is not None:
        return {text}
    children = [node for node in ast.iter_child_nodes(expression) if isinstance(node, ast.expr)]
    return set().union(*map(atoms, children))


def value_of(expression: ast.expr, known: Known) -> object:
    """What an expression comes to; None where that is not known."""
    match expression:
        case ast.Constant(value=value):
            return value
        case ast.Name() | ast.Attribute():
            return known.get(atom(expression) or "")
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            one, two = value_of(left, known), value_of(right, known)
            if isinstance(one, int) and isinstance(two, int) and (two or type(op) not in (ast.FloorDiv, ast.Mod)):
                return _OPERATORS[type(op)](one, two)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = value_of(operand, known)
            return -inner if isinstance(inner, int) else None
        case ast.IfExp(test=test, body=body, orelse=orelse):
            condition = value_of(test, known)
            return None if condition is None else value_of(body if condition else orelse, known)
        case ast.Call(func=ast.Name(id="int"), args=[whole], keywords=[]):
            inner = value_of(whole, known)
            return inner if isinstance(inner, int) else None
    return None


def unknown_of(expression: ast.expr, value: object, known: Known) -> tuple[str, object] | None:
    """The one unknown name of an expression, and what it must be for the expression to come to `value`.

    Of a floor division one of the possible sizes is taken.
    """
    text = atom(expression)
    if text is not None:
        return None if text in known else (text, value)
    if not isinstance(expression, ast.BinOp) or not isinstance(value, int):
        return None
    left, right = value_of(expression.left, known), value_of(expression.right, known)
    match expression.op, left, right:
        case ast.Add(), None, int(number):
            return unknown_of(expression.left, value - number, known)
        case ast.Add(), int(number), None:
            return unknown_of(expression.right, value - number, known)
        case ast.Sub(), None, int(number):
            return unknown_of(expression.left, value + number, known)
        case ast.Sub(), int(number), None:
            return unknown_of(expression.right, number - value, known)
        case ast.Mult(), None, int(number) if number and value % number == 0:
            return unknown_of(expression.left, value // number, known)
        case ast.Mult(), int(number), None if number and value % number == 0:
            return unknown_of(expression.right, value // number, known)
        case ast.FloorDiv(), None, int(number) if number > 0:
            return unknown_of(expression.left, value * number, known)
        case ast.FloorDiv(), int(number), None if value > 0:
            return unknown_of(expression.right, number // value, known)
    return None
