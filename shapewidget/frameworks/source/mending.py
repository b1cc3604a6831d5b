"""Functions and methods of the user's with an expression of theirs replaced, and those that call them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import CodeType, FunctionType

from shapewidget.frameworks.source.frames import is_own
from shapewidget.graph.records import SourceLine

Mended = Callable[[FunctionType], FunctionType]
"""Gives a function as it is once its source is edited."""


def changed(method: FunctionType, lines: Sequence[SourceLine], mended: Mended) -> FunctionType | None:
    """The method mended, or with mended functions in the place of those that it calls; None if it has none."""
    if holds(method, lines):
        return mended(method)
    called = {
        name: mended(function)
        for name in _names(method.__code__)
        if isinstance(function := method.__globals__.get(name), FunctionType) and holds(function, lines)
    }
    if not called:
        return None
    globals_ = {**method.__globals__, **called}
    made = FunctionType(method.__code__, globals_, method.__name__, method.__defaults__, method.__closure__)
    made.__kwdefaults__ = method.__kwdefaults__
    return made


def changed_methods(owner: type, lines: Sequence[SourceLine], mended: Mended) -> dict[str, FunctionType]:
    """The methods of a class that are mended, or call what is, by their names."""
    found = {name: changed(method, lines, mended) for name, method in methods(owner)}
    return {name: method for name, method in found.items() if method is not None}


def methods(owner: type) -> Iterator[tuple[str, FunctionType]]:
    """The methods of the user's that a class has or inherits, those that are in force."""
    for name in dir(owner):
        method = next((vars(base)[name] for base in owner.__mro__ if name in vars(base)), None)
        if isinstance(method, FunctionType) and is_own(method.__code__.co_filename):
            yield name, method


def holds(function: FunctionType, lines: Sequence[SourceLine]) -> bool:
    """Whether one of some lines is in a function's own text."""
    code = function.__code__
    numbers = [number for part in _parts(code) for _, _, number in part.co_lines() if number is not None]
    return any(code.co_filename == line.filename and min(numbers) <= line.line <= max(numbers) for line in lines)


def _names(code: CodeType) -> set[str]:
    return {name for part in _parts(code) for name in part.co_names}


def _parts(code: CodeType) -> Iterator[CodeType]:
    """A function's code and that of the functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)
