"""Functions and methods of the user's with an expression of theirs replaced, and those that call them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CellType, CodeType, FunctionType

from shapewidget.frameworks.source.frames import is_own
from shapewidget.graph.records import SourceLine

Mended = Callable[[FunctionType], FunctionType]
"""Gives a function as it is once its source is edited."""

_DEEPEST = 3
"""How many calls lead from a method to the function that is mended."""


def changed(
    method: FunctionType, lines: Sequence[SourceLine], mended: Mended, depth: int = _DEEPEST
) -> FunctionType | None:
    """The method mended, or with mended functions in the place of those that it calls; None if it has none.

    It calls those that it knows by a global name, and those that it was given when it was made inside another function.
    """
    own = mended(method) if holds(method, lines) else None
    return (_calling_mended(own or method, lines, mended, depth) if depth else None) or own


def _calling_mended(
    function: FunctionType, lines: Sequence[SourceLine], mended: Mended, depth: int
) -> FunctionType | None:
    """The function with mended ones in the place of those that it calls; None if it calls none that is."""

    def mended_in(known: Mapping[str, object]) -> dict[str, FunctionType]:
        functions = {name: it for name, it in known.items() if isinstance(it, FunctionType) and _is_another(it)}
        found = {name: changed(it, lines, mended, depth - 1) for name, it in functions.items()}
        return {name: it for name, it in found.items() if it is not None}

    def _is_another(value: FunctionType) -> bool:
        return _is_of_the_users(value) and value.__code__.co_name != function.__code__.co_name

    named = {name: function.__globals__[name] for name in _names(function.__code__) if name in function.__globals__}
    closure, names = function.__closure__ or (), function.__code__.co_freevars
    called = mended_in(named)
    held = mended_in({name: cell.cell_contents for name, cell in zip(names, closure, strict=True) if _is_filled(cell)})
    if not called and not held:
        return None
    cells = tuple(CellType(held[name]) if name in held else cell for name, cell in zip(names, closure, strict=True))
    made = FunctionType(
        function.__code__, {**function.__globals__, **called}, function.__name__, function.__defaults__, cells or None
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def _is_of_the_users(value: object) -> bool:
    return isinstance(value, FunctionType) and is_own(value.__code__.co_filename)


def _is_filled(cell: CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def changed_attributes(owner: object, lines: Sequence[SourceLine], mended: Mended) -> dict[str, FunctionType]:
    """The functions that an object keeps as its own attributes, those that are mended."""
    kept = {name: value for name, value in vars(owner).items() if _is_of_the_users(value)}
    found = {name: changed(value, lines, mended) for name, value in kept.items()}
    return {name: function for name, function in found.items() if function is not None}


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
