"""The recorded expression of an operation, taken apart as text."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from shapewidget.graph.records import SourceLine

_FUNCTIONS = frozenset(("tf", "ops", "keras", "K"))
"""Namespaces whose functions are no methods of a tensor."""

_MODULES = frozenset(("torch", "F", "nn.functional", "torch.nn.functional", "torch.linalg"))
"""Modules whose functions take the tensor first."""


@dataclass(frozen=True, slots=True)
class MethodCall:
    """``receiver.name(arguments)``.

    Attributes:
        receiver: What the method is called on: "x".
        name: The method: "view".
        arguments: Its positional arguments, those of a single tuple one by one: ("b", "-1").
    """

    receiver: str
    name: str
    arguments: tuple[str, ...]


def method_call(source: SourceLine | None) -> MethodCall | None:
    """The expression of a line as a call of a method; None if it is none, or has starred or named arguments."""
    node = _parsed(source)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.keywords:
        return None
    if isinstance(node.func.value, ast.Name) and node.func.value.id in _FUNCTIONS:
        return None
    is_one_tuple = len(node.args) == 1 and isinstance(node.args[0], ast.Tuple | ast.List)
    given = node.args[0].elts if is_one_tuple else node.args  # type: ignore[attr-defined]
    if any(isinstance(each, ast.Starred) for each in given):
        return None
    return MethodCall(_closed(node.func.value), node.func.attr, tuple(map(ast.unparse, given)))


def _closed(node: ast.expr) -> str:
    """An expression as text that a method can be called on."""
    text = ast.unparse(node)
    return text if isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript) else f"({text})"


def reshape_call(source: SourceLine | None) -> MethodCall | None:
    """The expression of a line as a call of a reshape of Keras or TensorFlow, whose shape is the one argument."""
    node = _parsed(source)
    if (
        not isinstance(node, ast.Call)
        or len(node.args) != 2
        or node.keywords
        or not isinstance(node.func, ast.Attribute)
    ):
        return None
    if node.func.attr != "reshape" or ast.unparse(node.func.value).split(".")[0] not in _FUNCTIONS:
        return None
    return MethodCall(_closed(node.args[0]), ast.unparse(node.func), (ast.unparse(node.args[1]),))


def receiver_of(source: SourceLine | None, name: str) -> str | None:
    """What a function is applied to: "x" of "x.view(-1, 8)" and of "torch.flatten(x, 1)"; None for another function."""
    node = _parsed(source)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != name:
        return None
    is_of_torch = isinstance(node.func.value, ast.Name) and node.func.value.id == "torch"
    target = node.args[0] if is_of_torch and node.args else node.func.value
    return _closed(target)


def along(source: SourceLine | None, axis: int, rank: int, better: int | list[int]) -> str | None:
    """A call with another axis: "x.softmax(dim=1)" for "x.softmax(dim=0)"; None if the call does not name its axis.

    An axis that is given by name may be any expression: "softmax(x, axis=self.axis)".

    Args:
        source: The line that calls.
        axis: The axis that the call runs along.
        rank: The number of axes of its input.
        better: The axis, or the axes, to put in its place.
    """
    node = _parsed(source)
    if not isinstance(node, ast.Call) or source is None or source.expression is None:
        return None
    value = _axis_given(node, axis, rank)
    if value is None:
        return None
    text = source.expression.encode()
    assert value.end_col_offset is not None
    return (text[: value.col_offset] + str(better).encode() + text[value.end_col_offset :]).decode()


def _axis_given(call: ast.Call, axis: int, rank: int) -> ast.expr | None:
    """The argument that says along which axis a call runs: a number, or what holds or picks one."""
    named = [each.value for each in call.keywords if each.arg in ("dim", "axis", "dims")]
    for value in named or reversed(call.args):
        number = _whole_number(value)
        if number is not None and number % rank == axis:
            return value
    owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    is_of_module = not owner or owner in _MODULES or owner.split(".")[0] in _FUNCTIONS
    held = named or call.args[is_of_module : is_of_module + 1]
    return held[0] if held and isinstance(held[0], ast.Name | ast.Attribute | ast.IfExp) else None


def with_keywords(source: SourceLine | None, keywords: str) -> str | None:
    """A call with more arguments: "x.mean(dim=1, keepdim=True)"; None for what is no call, or gives them already."""
    node = _parsed(source)
    if not isinstance(node, ast.Call) or source is None or source.expression is None:
        return None
    if any(f"{each.arg}=" in keywords for each in node.keywords):
        return None
    begin = source.expression.rstrip().removesuffix(")").rstrip().rstrip(",")
    return f"{begin}{', ' if node.args or node.keywords else ''}{keywords})"


def _whole_number(node: ast.expr) -> int | None:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def indexed(source: SourceLine | None) -> str | None:
    """What the brackets of an expression stand behind: "out" of "out[:, -1]"; None if it has none."""
    node = _parsed(source)
    return ast.unparse(node.value) if isinstance(node, ast.Subscript) else None


def subscript(source: SourceLine | None) -> tuple[str, str] | None:
    """An expression with brackets, and what stands in them, each as text that more can be put behind."""
    node = _parsed(source)
    if not isinstance(node, ast.Subscript):
        return None
    inner = ast.unparse(node.slice) if isinstance(node.slice, ast.Tuple | ast.Slice) else _closed(node.slice)
    return _closed(node.value), inner.removeprefix("(").removesuffix(")") if isinstance(
        node.slice, ast.Tuple
    ) else inner


def _parsed(source: SourceLine | None) -> ast.expr | None:
    if source is None or source.expression is None:
        return None
    try:
        return ast.parse(source.expression, mode="eval").body
    except SyntaxError:
        return None
