"""The points of a sweep: every combination of the values that a user gives, checked before anything is run."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shapewidget.errors import InputError
from shapewidget.probing.sizes import LARGEST, whole

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


def values_of(keyword: str, given: object, *, is_size: bool = False) -> tuple[Any, ...]:
    """The values of one keyword, a single one too; sizes as whole numbers.

    Args:
        keyword: What the user calls it.
        given: One value, or several.
        is_size: Whether an argument of the model's own is a size.

    Raises:
        InputError: There are none, one is there twice, or one is no size.
    """
    is_many = isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping)
    values = tuple(given) if is_many else (given,)  # type: ignore[arg-type]  # what is iterable was looked at
    if not values:
        raise InputError(f"{keyword} has no values. Expected at least one, as in {keyword}=[16, 32, 64].")
    if is_size or keyword in SIZES:
        values = tuple(whole(keyword, value, "whole numbers of at least 1, as in [16, 32, 64]") for value in values)
    else:
        values = tuple(_argument(keyword, value) for value in values)
    for place, value in enumerate(values):
        if value in values[:place]:
            raise InputError(f"{keyword} has the value {value!r} twice. Expected every value once.")
    return values


def _argument(keyword: str, value: Any) -> Any:
    """Another constructor argument: any value, but no number that is out of the question."""
    if isinstance(value, int | float) and not isinstance(value, bool) and not abs(value) <= LARGEST:
        raise InputError(f"{keyword}={value!r} cannot be run. Expected a number of at most {LARGEST:,}.")
    return value


def points_of(axes: Sequence[SweepAxis]) -> list[dict[str, Any]]:
    """Every combination, the last axis changing fastest."""
    names = [axis.name for axis in axes]
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(axis.values for axis in axes))]
