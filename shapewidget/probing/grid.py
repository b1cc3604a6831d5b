"""The points of a sweep: every combination of the values that a user gives, checked before anything is run."""

from __future__ import annotations

import itertools
import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shapewidget.errors import InputError

LARGEST = 10**8
"""A size beyond it is a slip of the keyboard."""

SIZES = ("batch_size", "sequence_length", "hidden_size")


@dataclass(frozen=True, slots=True)
class SweepAxis:
    """One thing that is varied.

    Attributes:
        keyword: What the user calls it: "batch_size", or the name of an argument.
        name: The size or argument that it stands for: "B", "hidden".
        values: The values, in the order given.
    """

    keyword: str
    name: str
    values: tuple[Any, ...]

    @property
    def is_numeric(self) -> bool:
        """Whether the values are numbers, which an axis of a plot can be drawn over."""
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)


def values_of(keyword: str, given: object) -> tuple[Any, ...]:
    """The values of one keyword, a single one too; sizes as whole numbers.

    Raises:
        InputError: There are none, one is there twice, or one is no size.
    """
    is_many = isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping)
    values = tuple(given) if is_many else (given,)  # type: ignore[arg-type]  # what is iterable was looked at
    if not values:
        raise InputError(f"{keyword} has no values. Expected at least one, as in {keyword}=[16, 32, 64].")
    if keyword in SIZES:
        values = tuple(_size(keyword, value) for value in values)
    else:
        values = tuple(_argument(keyword, value) for value in values)
    for place, value in enumerate(values):
        if value in values[:place]:
            raise InputError(f"{keyword} has the value {value!r} twice. Expected every value once.")
    return values


def _size(keyword: str, value: Any) -> int:
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or int(value) != value or value < 1:
        raise InputError(f"{keyword}={value!r} is no size. Expected whole numbers of at least 1, as in [16, 32, 64].")
    if value > LARGEST:
        raise InputError(f"{keyword}={value:,} is larger than any size that can be run. Expected at most {LARGEST:,}.")
    return int(value)


def _argument(keyword: str, value: Any) -> Any:
    """Another constructor argument: any value, but no number that is out of the question."""
    if isinstance(value, int | float) and not isinstance(value, bool) and not abs(value) <= LARGEST:
        raise InputError(f"{keyword}={value!r} cannot be run. Expected a number of at most {LARGEST:,}.")
    return value


def points_of(axes: Sequence[SweepAxis]) -> list[dict[str, Any]]:
    """Every combination, the last axis changing fastest."""
    names = [axis.name for axis in axes]
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(axis.values for axis in axes))]
