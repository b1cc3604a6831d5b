"""A second generator of the same code and arguments, so that looking at the first does not use it up."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import CellType, FunctionType, GeneratorType
from typing import Any

from shapewidget.errors import InputError


def again(generator: GeneratorType[Any, Any, Any]) -> GeneratorType[Any, Any, Any]:
    """A generator that gives what this one will give; this one is left as it is.

    Raises:
        InputError: It has begun, so that its first items are gone; or it reads an iterator that only it may read.
    """
    function, values = function_of(generator)
    return called(function, values)


def function_of(generator: GeneratorType[Any, Any, Any]) -> tuple[FunctionType, Mapping[str, Any]]:
    """The function that a generator was made by, and the arguments that it was given.

    Raises:
        InputError: As `again` does.
    """
    name, code, frame = generator.__name__, generator.gi_code, generator.gi_frame
    if frame is None or inspect.getgeneratorstate(generator) != inspect.GEN_CREATED:
        raise InputError(
            f"The generator {name} has already been started, and what it gave cannot be read again. Expected a fresh "
            f"one, such as {name}(...), or what can be gone through again, such as a DataLoader or a list of batches."
        )
    values: Mapping[str, Any] = dict(frame.f_locals)
    spent = next((key for key, value in values.items() if _is_one_shot(value)), None)
    if spent is not None:
        raise InputError(
            f"The generator {name} reads {type(values[spent]).__name__}, which can be gone through only once. Expected "
            f"what can be gone through again, such as a DataLoader or a list of batches."
        )
    closure = tuple(CellType(values[free]) if free in values else CellType() for free in code.co_freevars)
    return FunctionType(code, frame.f_globals, name, None, closure), values


def called(function: FunctionType, values: Mapping[str, Any]) -> GeneratorType[Any, Any, Any]:
    """The generator that a function makes of those arguments."""
    code = function.__code__
    plain = code.co_argcount
    positional = [values[name] for name in code.co_varnames[:plain]]
    rest = list(code.co_varnames[plain : plain + code.co_kwonlyargcount])
    named = {name: values[name] for name in rest}
    place = plain + code.co_kwonlyargcount
    if code.co_flags & inspect.CO_VARARGS:
        positional += values[code.co_varnames[place]]
        place += 1
    if code.co_flags & inspect.CO_VARKEYWORDS:
        named |= values[code.co_varnames[place]]
    result: GeneratorType[Any, Any, Any] = function(*positional, **named)
    return result


def _is_one_shot(value: Any) -> bool:
    return isinstance(value, Iterator)
