"""Copies of the values that a piece of the user's program reads, its functions among them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from shapewidget.frameworks.source.frames import is_own

_DEEPEST = 8


class Twins:
    """Makes copies that know one another and nothing of the originals: an optimiser has the copied model's weights.

    `copy.deepcopy` takes a function for a constant. Here one of the user's is made again, with copies in its closure
    and among the globals that it reads.

    Args:
        twin_of: The twin of a value that is not to be copied as others are; None for all others.
    """

    def __init__(self, twin_of: Callable[[object], object | None]) -> None:
        """Nothing is copied yet."""
        self._memo: dict[int, Any] = {}
        self._seen: dict[int, object] = {}
        self._twin_of = twin_of

    def of(self, value: Any) -> Any:
        """The copy of a value.

        Raises:
            Exception: It cannot be copied.
        """
        self._prepare(value, 0)
        return copy.deepcopy(value, self._memo)

    def _prepare(self, value: object, depth: int) -> None:
        """Enter everything that is reached from a value and copied in a way of its own."""
        if id(value) in self._seen or depth > _DEEPEST or isinstance(value, type):
            return
        self._seen[id(value)] = value
        twin = value if isinstance(value, ModuleType) else self._twin_of(value)
        if twin is not None:
            self._memo[id(value)] = twin
        elif isinstance(value, FunctionType):
            self._function(value, depth)
        elif isinstance(value, MethodType):
            self._prepare(value.__self__, depth + 1)
        elif isinstance(value, Mapping):
            self._all(value.values(), depth)
        elif isinstance(value, list | tuple | set):
            self._all(value, depth)
        elif hasattr(value, "__dict__"):
            self._all(vars(value).values(), depth)

    def _all(self, values: Any, depth: int) -> None:
        for each in list(values):
            self._prepare(each, depth + 1)

    def _function(self, function: FunctionType, depth: int) -> None:
        if not is_own(function.__code__.co_filename):
            return
        cells = tuple(CellType() for _ in function.__closure__ or ())
        scope = dict(function.__globals__)
        made = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells or None)
        made.__kwdefaults__ = function.__kwdefaults__
        self._memo[id(function)] = made
        for name in _names(function.__code__) & scope.keys():
            self._prepare(scope[name], depth + 1)
            scope[name] = copy.deepcopy(scope[name], self._memo)
        for cell, own in zip(cells, function.__closure__ or (), strict=True):
            self._prepare(own.cell_contents, depth + 1)
            cell.cell_contents = copy.deepcopy(own.cell_contents, self._memo)


def _names(code: CodeType) -> set[str]:
    inner = [_names(each) for each in code.co_consts if isinstance(each, CodeType)]
    return set(code.co_names).union(*inner)
