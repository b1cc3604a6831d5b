"""The `__init__` of a class, with its source."""

from __future__ import annotations

import ast
import builtins
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from types import FunctionType, ModuleType

from shapewidget.frameworks.source.text import Source


@dataclass(frozen=True)
class Initialiser:
    """The `__init__` of a class, with its source.

    Attributes:
        function: The function.
        source: The file or cell that it stands in.
        node: Its syntax tree.
    """

    function: FunctionType
    source: Source
    node: ast.FunctionDef

    @classmethod
    def of(cls, owner: type) -> Initialiser | None:
        """That of a class; None where it can't be seen, as behind `exec`, or is decorated.

        `inspect.getsource` fails for classes of a notebook, but the code of their `__init__` knows its cell.
        """
        function = owner.__init__  # type: ignore[misc]  # the class itself is asked, not an instance
        source = Source.read(function.__code__.co_filename) if isinstance(function, FunctionType) else None
        if source is None:
            return None
        line = function.__code__.co_firstlineno
        functions = (node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef))
        node = next((node for node in functions if node.name == "__init__" and node.lineno == line), None)
        return cls(function, source, node) if node is not None else None

    @property
    def parameters(self) -> list[str]:
        """Names of its parameters, without that of the object itself."""
        return [parameter.arg for parameter in self._all_parameters[1:]]

    @property
    def itself(self) -> str:
        """The name by which it calls the object being built: "self"."""
        return self._all_parameters[0].arg

    @property
    def _all_parameters(self) -> list[ast.arg]:
        return [*self.node.args.posonlyargs, *self.node.args.args, *self.node.args.kwonlyargs]

    def attribute(self, target: ast.expr) -> str | None:
        """The attribute that "self.head" names; None for any other expression."""
        match target:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == self.itself:
                return attribute
        return None

    @cached_property
    def assignments(self) -> list[tuple[ast.expr, ast.expr]]:
        """(target, value) of every plain assignment, those of ``a, b = x, y`` taken apart."""
        return [pair for node in ast.walk(self.node) for pair in assigned(node)]

    @cached_property
    def settled(self) -> dict[str, ast.expr]:
        """The value of every local variable that is assigned once and not changed in place."""
        methods = [node.func for node in ast.walk(self.node) if isinstance(node, ast.Call)]
        changed = {
            method.value.id
            for method in methods
            if isinstance(method, ast.Attribute) and isinstance(method.value, ast.Name)
        }
        once = {name for name in self._stored if self._stored.count(name) == 1} - changed - set(self.parameters)
        return {
            target.id: value for target, value in self.assignments if isinstance(target, ast.Name) and target.id in once
        }

    @cached_property
    def unsettled(self) -> set[str]:
        """Local variables with more than one value: loop variables, and what is assigned again."""
        return set(self._stored) - set(self.settled)

    @cached_property
    def _stored(self) -> list[str]:
        names = [node for node in ast.walk(self.node) if isinstance(node, ast.Name)]
        return [name.id for name in names if isinstance(name.ctx, ast.Store)]

    def meaning(self, name: ast.expr) -> object:
        """What a name from outside the function stands for, or a dotted name below a module; None if nothing."""
        if isinstance(name, ast.Attribute):
            owner = self.meaning(name.value)
            return getattr(owner, name.attr, None) if isinstance(owner, ModuleType) else None
        code = self.function.__code__
        if not isinstance(name, ast.Name) or name.id in code.co_varnames + code.co_cellvars:
            return None
        cells = dict(zip(code.co_freevars, self.function.__closure__ or (), strict=True))
        with contextlib.suppress(ValueError):  # an empty cell
            if name.id in cells:
                return cells[name.id].cell_contents
        return self.function.__globals__.get(name.id, getattr(builtins, name.id, None))

    def calls_class(self, call: ast.Call, owner: type) -> bool:
        """Whether a call is one of that class, and not of a function that may call it in its turn."""
        meaning = self.meaning(call.func)
        if isinstance(meaning, type):
            return meaning is owner
        return meaning is None and ast.unparse(call.func).rpartition(".")[2] == owner.__name__


def assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(target, value) of a plain assignment, those of ``a, b = x, y`` taken apart."""
    targets: list[ast.expr] = []
    match node:
        case ast.Assign(targets=targets, value=value):
            pass
        case ast.AnnAssign(target=only, value=ast.expr() as value):
            targets = [only]
    for target in targets:
        match target, value:
            case ast.Tuple(elts=left), ast.Tuple(elts=right) if len(left) == len(right):
                yield from zip(left, right, strict=True)
            case _:
                yield target, value
