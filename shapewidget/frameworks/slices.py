"""Work in slices, so that whoever drives it can do something else in between, or end it there."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import TypeVar

Result = TypeVar("Result")


def finished(slices: Generator[None, None, Result]) -> Result:
    """Go through slices to their end."""
    while True:
        try:
            next(slices)
        except StopIteration as end:
            result: Result = end.value
            return result


def guarded(
    slices: Generator[None, None, None],
    apart: Callable[[], AbstractContextManager[object]],
    refuse: Callable[[Exception], None],
) -> Generator[None, None, None]:
    """Go through slices until they end or one of them raises.

    Args:
        slices: What is to be done; closed where one raises.
        apart: Makes a context for each slice, as what the user does in between is not to be in it.
        refuse: Told what was raised.
    """
    while True:
        try:
            with apart():
                next(slices)
        except StopIteration:
            return
        except Exception as error:
            slices.close()
            refuse(error)
            return
        yield
