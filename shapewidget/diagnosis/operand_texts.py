"""The operands of a recorded expression as text, and the expression with some of them changed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from shapewidget.graph.records import Layer, LayerKind, SourceLine
from shapewidget.graph.remedies import EditExpression

_CLOSED = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.Constant, ast.List, ast.Tuple)
_NAMESPACES = frozenset(
    ("torch", "F", "functional", "nn", "linalg", "special", "np", "numpy", "tf", "ops", "keras", "K", "math", "tnp")
)
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.MatMult: "matmul", ast.Pow: "pow",
    ast.FloorDiv: "floordiv", ast.Mod: "mod", ast.BitAnd: "and", ast.BitOr: "or",
}  # fmt: skip


_KERNELS = {"concatenate": "concat", "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div"}
"""Functions of Keras whose kernels go by another name."""


@dataclass(frozen=True)
class Operands:
    """The operands of one expression.

    Attributes:
        source: The line that holds the expression.
        whole: The expression.
        nodes: Its operands, in the order in which the operation takes them.
        start: How many characters stand in front of the expression where the nodes count from.
    """

    source: SourceLine
    whole: str
    nodes: tuple[ast.expr, ...]
    start: int

    def __len__(self) -> int:
        """How many operands there are."""
        return len(self.nodes)

    def text(self, place: int) -> str:
        """An operand, in parentheses where a method call behind it would take it apart."""
        node = self.nodes[place]
        begin, end = self._span(node)
        text = self.whole.encode()[begin:end].decode()
        return text if isinstance(node, _CLOSED) else f"({text})"

    def edit(self, changes: Mapping[int, str]) -> EditExpression:
        """The edit that puts other texts in the places of some operands."""
        made = self.whole.encode()
        for place in sorted(changes, key=lambda place: -self._span(self.nodes[place])[0]):
            begin, end = self._span(self.nodes[place])
            made = made[:begin] + changes[place].encode() + made[end:]
        return EditExpression(replace(self.source, expression=self.whole), made.decode())

    def listed(self, place: int, change: Callable[[str], str]) -> EditExpression | None:
        """The edit of one tensor of the list that is the first operand, as layers are given that merge several."""
        first = self.nodes[0]
        if not isinstance(first, ast.List | ast.Tuple) or len(first.elts) <= place:
            return None
        within = replace(self, nodes=tuple(first.elts))
        return within.edit({place: change(within.text(place))})

    def _span(self, node: ast.expr) -> tuple[int, int]:
        lines = [len(line.encode()) for line in self.whole.splitlines(keepends=True)]
        begin = sum(lines[: node.lineno - 1]) + node.col_offset - (self.start if node.lineno == 1 else 0)
        last = node.end_lineno or node.lineno
        end = sum(lines[: last - 1]) + (node.end_col_offset or 0) - (self.start if last == 1 else 0)
        return begin, end


def operands_of(layer: Layer) -> Operands | None:
    """The operands of an operation, or the arguments of a layer's or a loss's call; None where they cannot be told."""
    source = layer.source
    if source is None or source.expression is None:
        return None
    node = _parsed(source.expression)
    nodes = _nodes(node, layer) if node is not None else ()
    if not nodes and layer.kind is LayerKind.OPERATION:
        return _of_augmented(source, layer)
    return Operands(source, source.expression, tuple(nodes), 1) if nodes else None


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(f"({text}\n)", mode="eval").body
    except SyntaxError:
        return None


def _nodes(node: ast.expr, layer: Layer) -> tuple[ast.expr, ...]:
    is_operation = layer.kind is LayerKind.OPERATION
    match node:
        case ast.BinOp(left=left, op=operator, right=right) if is_operation:
            return (left, right) if _OPERATORS.get(type(operator)) == layer.name else ()
        case ast.Compare(left=left, comparators=[right]) if is_operation:
            return left, right
        case ast.Call(func=function, args=args, keywords=keywords):
            if any(isinstance(each, ast.Starred) for each in args):
                return ()
            given = (*args, *(each.value for each in keywords))
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if not is_operation:
                return given
            if _KERNELS.get(name, name).rstrip("_") != layer.name.rstrip("_"):
                return ()
            if given and isinstance(given[0], ast.List | ast.Tuple) and not is_method(function):
                return tuple(given[0].elts)
            return (function.value, *given) if isinstance(function, ast.Attribute) and is_method(function) else given
    return ()


def is_method(function: ast.expr) -> bool:
    """Whether a function is called on a tensor, and not taken from a module."""
    if not isinstance(function, ast.Attribute):
        return False
    owner = function.value
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return name not in _NAMESPACES


def _of_augmented(source: SourceLine, layer: Layer) -> Operands | None:
    """``x += table``: only what stands on the right is an expression, so only that can be changed."""
    try:
        statement = ast.parse(source.expression or "").body[0]
    except (SyntaxError, IndexError):
        return None
    if not isinstance(statement, ast.AugAssign) or _OPERATORS.get(type(statement.op)) != layer.name.strip("_i"):
        return None
    return Operands(source, source.expression or "", (statement.target, statement.value), 0)


def name_as_written(layer: Layer) -> str:
    """The name of an operation as the user's line has it: "concatenate" of a concat, "l2_normalize" of a sum in it."""
    call = call_of(layer.source)
    function = call.func if call is not None else None
    written = getattr(function, "attr", getattr(function, "id", ""))
    one, other = written.replace("_", ""), layer.name.replace("_", "")
    is_alike = bool(one and other) and (one in other or other in one)
    is_of_library = isinstance(function, ast.Attribute) and not is_method(function)
    return written if is_alike or is_of_library else layer.name


def call_of(source: SourceLine | None) -> ast.Call | None:
    """The recorded expression as a call, its columns counted from a bracket in front of it; None if it is none."""
    node = _parsed(source.expression) if source is not None and source.expression else None
    return node if isinstance(node, ast.Call) else None


def arguments_of(layer: Layer) -> tuple[ast.expr, ...]:
    """The arguments of an operation besides the tensor, as syntax; those of a single tuple one by one."""
    node = call_of(layer.source)
    if node is None or any(isinstance(each, ast.Starred) for each in node.args):
        return ()
    is_given_first = isinstance(node.func, ast.Attribute) and not is_method(node.func) and bool(layer.inputs)
    args = node.args[1:] if is_given_first else node.args
    if len(args) == 1 and isinstance(args[0], ast.Tuple | ast.List):
        return tuple(args[0].elts)
    return tuple(args)


def keyword_edited(source: SourceLine | None, name: str, change: Callable[[str], str]) -> EditExpression | None:
    """The recorded call with one keyword argument changed; None where it is not given as a keyword."""
    node = call_of(source)
    keyword = next((each for each in node.keywords if each.arg == name), None) if node is not None else None
    if node is None or keyword is None or source is None or source.expression is None:
        return None
    operands = Operands(source, source.expression, (keyword.value,), 1)
    return operands.edit({0: change(operands.text(0))})
