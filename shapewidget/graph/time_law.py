"""The seconds of a run at any sizes, from those of a few.

A run takes what its parts take together: a start, a little for every step of a loop, a stream of bytes, a product of
matrices. So the law is a sum of terms that are not negative, fitted to relative errors. Few terms extrapolate better,
more of them interpolate better, so there are more with many points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shapewidget.graph.nonnegative import nonnegative_least_squares
from shapewidget.graph.polynomials import BATCH, Basis, Powers, Sizes

TIME = "T"
_FEW, _MANY = ("", "T", "BThh", "BTh", "Thh", "hh"), ("", "T", "Th", "BThh", "BTh", "Thh", "hh", "BT")
"""The terms, a letter for every size in them: B, T, and h for any other one."""

_FEW_WITHOUT_TIME, _MANY_WITHOUT_TIME = ("", "B", "Bh", "Bhh", "hh"), ("", "B", "Bh", "Bhh", "h", "hh")
_ATTENTION = ("BTT", "BTTh")
_UPDATE = ("", "h", "hh")
"""An optimiser's step sees weights alone."""

_PASSES = 4
"""Rounds of reweighting, which bring the sum of squares near to the sum of errors, so that a bad point counts less."""

Point = tuple[Mapping[str, int], float]
"""Sizes, and the seconds there."""


@dataclass(frozen=True)
class TimeLaw:
    """Seconds as a function of the sizes.

    Attributes:
        basis: The terms.
        coefficients: Seconds for one unit of every term.
    """

    basis: Basis
    coefficients: Sequence[float]

    def at(self, sizes: Sizes) -> float:
        """Seconds at these sizes."""
        return sum(map(float.__mul__, self.coefficients, map(float, self.basis.row(sizes))))


def fit_time(points: Sequence[Point], names: Sequence[str], *, attention: bool = False) -> TimeLaw:
    """The law that a few timed runs follow.

    Args:
        points: At least one.
        names: The sizes that differ between them.
        attention: Whether some tensor of the model has two axes of the sequence.
    """
    words = (_FEW, _MANY) if TIME in names else (_FEW_WITHOUT_TIME, _MANY_WITHOUT_TIME)
    few, many = (_terms(letters, names, attention) for letters in words)
    return _fit(points, names, many if len(points) >= 2 * len(many) else few)


def fit_update(points: Sequence[Point], names: Sequence[str]) -> TimeLaw:
    """The law of an optimiser's steps, from the same as `fit_time`."""
    return _fit(points, names, _terms(_UPDATE, names, attention=False))


def _fit(points: Sequence[Point], names: Sequence[str], terms: Sequence[Powers]) -> TimeLaw:
    basis = Basis(tuple(names), tuple(terms), tuple(sizes for sizes, _ in points))
    weights = [1 / seconds for _, seconds in points]
    law = TimeLaw(basis, [0.0] * len(terms))
    for _ in range(_PASSES):
        rows = [[part * weight for part in row] for row, weight in zip(basis.rows, weights, strict=True)]
        targets = [seconds * weight for (_, seconds), weight in zip(points, weights, strict=True)]
        law = TimeLaw(basis, nonnegative_least_squares(rows, targets))
        errors = [abs(law.at(sizes) / seconds - 1) for sizes, seconds in points]
        weights = [1 / (seconds * max(error, 0.02) ** 0.5) for (_, seconds), error in zip(points, errors, strict=True)]
    return law


def _terms(letters: Sequence[str], names: Sequence[str], attention: bool) -> tuple[Powers, ...]:
    """The terms that these names have; "h" stands for every size that is neither the batch nor the sequence."""
    others = [name for name in names if name not in (BATCH, TIME)]
    terms: dict[Powers, None] = {}
    for word in (*letters, *(_ATTENTION if attention else ())):
        for other in others or [""]:
            counts = {BATCH: word.count("B"), TIME: word.count("T"), other: word.count("h")}
            terms[tuple(counts.get(name, 0) for name in names)] = None
    return tuple(terms)
