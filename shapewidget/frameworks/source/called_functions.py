"""A function of the user's, and those of the user's that it calls by name, each to be exchanged for another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

from shapewidget.frameworks.source.frames import is_own

Exchange = Callable[[FunctionType], Callable[..., Any]]
"""Gives the outer function, with a function in the place of one of those."""


def with_functions(function: Callable[..., Any]) -> Iterator[tuple[FunctionType, Exchange]]:
    """A function, and the functions of its module that it calls: what a lambda hands its samples to."""
    if not isinstance(function, FunctionType) or not is_own(function.__code__.co_filename):
        return
    yield function, lambda made: made
    for name in function.__code__.co_names:
        inner = function.__globals__.get(name)
        if isinstance(inner, FunctionType) and is_own(inner.__code__.co_filename):
            yield inner, _exchange(function, name)


def _exchange(function: FunctionType, name: str) -> Exchange:
    def exchanged(made: FunctionType) -> FunctionType:
        names = {**function.__globals__, name: made}
        twin = FunctionType(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)
        twin.__kwdefaults__ = function.__kwdefaults__
        return twin

    return exchanged
