"""Bytes as polynomials of the named sizes: fitted exactly where a few runs allow it, else with no negative terms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from shapewidget.graph.nonnegative import nonnegative_least_squares

Sizes = Mapping[str, int]
Powers = tuple[int, ...]
"""The exponent of every size in one term."""
Coefficients = tuple[float, ...]

BATCH = "B"
SLACK_BYTES, SLACK_BYTES_OF_GPU, SLACK = 64, 1024, 1e-3
"""How far a value may lie off an exact fit, as kernels round their buffers up: a GPU's allocator each to 512 bytes."""


def byte_terms(names: Sequence[str]) -> tuple[Powers, ...]:
    """The terms that sizes of tensors have: a weight two widths, an activation the batch and two others.

    Args:
        names: The sizes; the batch counts once in a term, every other one up to twice.
    """
    batch = [name == BATCH for name in names]
    ranges = [range(2) if once else range(3) for once in batch]
    terms = []
    for powers in itertools.product(*ranges):
        of_batch = sum(power for power, once in zip(powers, batch, strict=True) if once)
        if sum(powers) - of_batch <= 2:
            terms.append(powers)
    return tuple(sorted(terms, key=lambda powers: (sum(powers), powers)))


@dataclass(frozen=True)
class Basis:
    """The terms of a family of polynomials, and the runs that they are fitted to.

    Attributes:
        names: The sizes, in the order of the exponents.
        terms: The exponents of every term.
        runs: The sizes of every run.
        bends: (name, size) pairs from which on some terms may rise faster: a buffer as wide as the larger of the
            hidden size and a fixed input. They count where no polynomial is exact.
        slack: Bytes that a value may lie off an exact fit.
    """

    names: tuple[str, ...]
    terms: tuple[Powers, ...]
    runs: tuple[Sizes, ...]
    bends: tuple[tuple[str, int], ...] = ()
    slack: int = SLACK_BYTES

    def row(self, sizes: Sizes) -> list[int]:
        """Every term at these sizes, then those that start at a bend."""
        values = [sizes[name] for name in self.names]
        row = [math.prod(map(int.__pow__, values, powers)) for powers in self.terms]
        for name, bend in self.bends:
            row += [max(0, sizes[name] - bend) * row[place] for place in self._flat(name)]
        return row

    def _flat(self, name: str) -> list[int]:
        """The terms that a size is not in."""
        place = self.names.index(name)
        return [index for index, powers in enumerate(self.terms) if not powers[place]]

    @cached_property
    def rows(self) -> list[list[int]]:
        """Every term at every run."""
        return [self.row(sizes) for sizes in self.runs]

    @property
    def width(self) -> int:
        """How many coefficients a polynomial has."""
        return len(self.rows[0])

    def at(self, coefficients: Coefficients, sizes: Sizes) -> float:
        """The value of a polynomial at these sizes, at least 0."""
        return max(0.0, sum(map(float.__mul__, coefficients, map(float, self.row(sizes)))))

    def fit(self, values: Sequence[int]) -> Coefficients:
        """The polynomial that has these values at the runs, or comes near to them."""
        return self._one_term(values) or self._exact(values) or self._near(values)

    def _one_term(self, values: Sequence[int]) -> Coefficients | None:
        if not any(values):
            return (0.0,) * self.width
        for place in range(len(self.terms)):
            first = self.rows[0][place]
            if all(value * first == values[0] * row[place] for value, row in zip(values, self.rows, strict=True)):
                return tuple(values[0] / first if place == other else 0.0 for other in range(self.width))
        return None

    def _exact(self, values: Sequence[int]) -> Coefficients | None:
        if self._projection is None:
            return None
        divisor, projection = self._projection
        products = [sum(part * value for part, value in zip(row, values, strict=True)) for row in projection]
        for row, value in zip(self.rows, values, strict=True):
            fitted = sum(part * product for part, product in zip(row, products, strict=False)) / divisor
            if abs(fitted - value) > self.slack + SLACK * abs(value):
                return None
        return (*(product / divisor for product in products), *(0.0,) * (self.width - len(self.terms)))

    def _near(self, values: Sequence[int]) -> Coefficients:
        """No negative terms, least relative errors; what rises and what falls apart from one another."""
        rising = self._near_positive([max(value, 0) for value in values])
        falling = self._near_positive([max(-value, 0) for value in values])
        return tuple(up - down for up, down in zip(rising, falling, strict=True))

    def _near_positive(self, values: Sequence[int]) -> list[float]:
        largest = max(values)
        if not largest:
            return [0.0] * self.width
        weights = [1 / max(value, largest / 100) for value in values]
        rows = [[part * weight for part in row] for row, weight in zip(self.rows, weights, strict=True)]
        return nonnegative_least_squares(rows, [value * weight for value, weight in zip(values, weights, strict=True)])

    @cached_property
    def _projection(self) -> tuple[int, list[list[int]]] | None:
        """The matrix that takes values to coefficients, over a common divisor; None where the runs are too few."""
        columns = list(zip(*self.rows, strict=True))[: len(self.terms)]
        products = [[Fraction(sum(map(int.__mul__, one, two))) for two in columns] for one in columns]
        solved = _solved(products, [list(map(Fraction, column)) for column in columns])
        if solved is None:
            return None
        divisor = math.lcm(*(part.denominator for row in solved for part in row))
        return divisor, [[int(part * divisor) for part in row] for row in solved]


def _solved(matrix: list[list[Fraction]], right: list[list[Fraction]]) -> list[list[Fraction]] | None:
    """Solve for many right-hand sides at once, exactly; None where the matrix has no inverse."""
    table = [left + rest for left, rest in zip(matrix, right, strict=True)]
    size = len(matrix)
    for place in range(size):
        pivot = next((row for row in range(place, size) if table[row][place]), None)
        if pivot is None:
            return None
        table[place], table[pivot] = table[pivot], table[place]
        inverse = 1 / table[place][place]
        table[place] = [part * inverse for part in table[place]]
        for row in range(size):
            factor = table[row][place]
            if row != place and factor:
                table[row] = [below - factor * above for below, above in zip(table[row], table[place], strict=True)]
    return [row[size:] for row in table]


def grid(names: Sequence[str], ranges: Mapping[str, Sequence[int]]) -> Iterator[dict[str, int]]:
    """Every combination of the sizes."""
    for values in itertools.product(*(ranges[name] for name in names)):
        yield dict(zip(names, values, strict=True))
