"""Whether code of the user's can be run once more: it reads values, calls what is known to be harmless, and no more."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType

from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.text import Source

_BUILTINS = frozenset(
    getattr(builtins, name)
    for name in "abs bool dict enumerate float int isinstance len list max min print range reversed round set sorted "
    "str sum tuple zip ValueError TypeError RuntimeError AssertionError".split()
)
_EXPRESSIONS = (
    ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set,
    ast.Starred, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.JoinedStr, ast.FormattedValue,
    ast.ListComp, ast.GeneratorExp, ast.comprehension, ast.keyword, ast.Call,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context,
)  # fmt: skip
_STATEMENTS = (
    ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.If, ast.For, ast.Expr, ast.Assert, ast.Raise, ast.Pass,
    ast.Break, ast.Continue, ast.arguments, ast.arg,
)  # fmt: skip
_DEEPEST = 3


@dataclass(frozen=True)
class Harmless:
    """What may be called again.

    Attributes:
        function: Whether a function, class or object is known to change nothing that lasts.
        method: Whether a method of that name changes nothing, of an object that is not known yet.
        of_results: Methods that change an object, and may be called on what an expression has just worked out.
    """

    function: Callable[[object], bool]
    method: Callable[[str], bool]
    of_results: frozenset[str] = frozenset()

    def allows(self, node: ast.AST, names: Mapping[str, object], depth: int = 0) -> bool:
        """Whether everything in an expression may be run again, given the values of its names."""
        return all(
            isinstance(each, _EXPRESSIONS) and (not isinstance(each, ast.Call) or self._calls(each, names, depth))
            for each in ast.walk(node)
        )

    def _calls(self, call: ast.Call, names: Mapping[str, object], depth: int) -> bool:
        meaning = value_of_name(call.func, names)
        if meaning is None:
            if not isinstance(call.func, ast.Attribute):
                return False
            is_of_result = isinstance(call.func.value, ast.BinOp) and call.func.attr in self.of_results
            return is_of_result or self.method(call.func.attr)
        if isinstance(meaning, FunctionType) and is_own(meaning.__code__.co_filename):
            owner = value_of_name(call.func.value, names) if isinstance(call.func, ast.Attribute) else None
            handed = _handed(call, meaning, names) if owner is None or isinstance(owner, ModuleType) else {}
            return depth < _DEEPEST and self._body(meaning, owner, handed, depth + 1)
        return any(meaning is each for each in _BUILTINS) or self.function(meaning)

    def _body(self, function: FunctionType, owner: object, handed: Mapping[str, object], depth: int) -> bool:
        """Whether a function of the user's, or a method of an object, only works out what it returns."""
        node = definition(function)
        if node is None:
            return False
        closed = dict(zip(function.__code__.co_freevars, _contents(function), strict=True))
        local: dict[str, object] = dict.fromkeys(function.__code__.co_varnames)
        stored = {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
        kept = {name: value for name, value in handed.items() if name not in stored}
        names = {**function.__globals__, **closed, **local, **kept}
        if owner is not None and not isinstance(owner, ModuleType):
            names[function.__code__.co_varnames[0]] = owner
        if any(isinstance(each, ast.Name) and self._is_stream(names.get(each.id)) for each in ast.walk(node)):
            return False
        return all(
            (isinstance(each, _STATEMENTS) and not _stores_outside(each, local))
            or (isinstance(each, _EXPRESSIONS) and (not isinstance(each, ast.Call) or self._calls(each, names, depth)))
            for statement in (node.body if isinstance(node, ast.FunctionDef) else [node.body])
            for each in ast.walk(statement)
        )

    def _is_stream(self, value: object) -> bool:
        """Whether going through it once more may draw other values, as of a loader that shuffles, or of a generator."""
        kind = type(value)
        if issubclass(kind, list | tuple | dict | set | frozenset | str | bytes | range | type) or hasattr(
            kind, "shape"
        ):
            return False
        return hasattr(kind, "__iter__") and not self.function(value)


def _handed(call: ast.Call, function: FunctionType, names: Mapping[str, object]) -> dict[str, object]:
    """The values of the arguments that a call gives by their names."""
    if any(isinstance(each, ast.Starred) for each in call.args):
        return {}
    count, taken = function.__code__.co_argcount, function.__code__.co_varnames
    given = [
        *zip(taken[:count], call.args, strict=False),
        *((each.arg, each.value) for each in call.keywords if each.arg in taken),
    ]
    return {str(name): value_of_name(value, names) for name, value in given}


def value_of_name(node: ast.expr, names: Mapping[str, object]) -> object:
    """What a name or dotted name stands for; None for anything else. No property is run to find out."""
    if isinstance(node, ast.Name):
        return names.get(node.id, getattr(builtins, node.id, None))
    if not isinstance(node, ast.Attribute):
        return None
    owner = value_of_name(node.value, names)
    if owner is None:
        return None
    if isinstance(owner, ModuleType):
        return getattr(owner, node.attr, None)
    for table in (vars(owner) if hasattr(owner, "__dict__") else {}, getattr(owner, "_modules", {})):
        if isinstance(table, Mapping) and node.attr in table:
            return table[node.attr]
    found = inspect.getattr_static(type(owner), node.attr, None)
    return found if isinstance(found, FunctionType) else None


def definition(function: FunctionType) -> ast.FunctionDef | ast.Lambda | None:
    """The syntax of a function; None where it cannot be seen, as of one of two lambdas on a line."""
    source = Source.read(function.__code__.co_filename)
    if source is None:
        return None
    first = function.__code__.co_firstlineno
    if function.__name__ == "<lambda>":
        lambdas = [each for each in ast.walk(source.tree) if isinstance(each, ast.Lambda) and each.lineno == first]
        return lambdas[0] if len(lambdas) == 1 else None
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
            lines = [node.lineno, *(each.lineno for each in node.decorator_list)]
            if min(lines) == first:
                return node
    return None


def _stores_outside(node: ast.AST, local: Mapping[str, object]) -> bool:
    """Whether a statement writes to anything but local variables."""
    targets: list[ast.expr] = []
    match node:
        case ast.Assign(targets=targets):
            pass
        case ast.AnnAssign(target=only) | ast.AugAssign(target=only) | ast.For(target=only):
            targets = [only]
    roots = [_root(each) for target in targets for each in _items(target)]
    return not all(isinstance(root, ast.Name) and root.id in local for root in roots)


def _items(target: ast.expr) -> list[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        return [item for each in target.elts for item in _items(each)]
    return [target]


def _root(target: ast.expr) -> ast.expr:
    while isinstance(target, ast.Subscript | ast.Starred):
        target = target.value
    return target


def _contents(function: FunctionType) -> list[object]:
    return [cell.cell_contents for cell in function.__closure__ or ()]
