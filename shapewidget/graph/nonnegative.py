"""Least squares with coefficients that are not negative, of a few terms.

Costs add up: no term of a law takes bytes or seconds away. The active-set method is Lawson and Hanson's (*Solving
Least Squares Problems*, 1974, chapter 23), on the normal equations, which suffice for a dozen scaled columns.
"""

from __future__ import annotations

from collections.abc import Sequence

Row = Sequence[float]

_RIDGE = 1e-10
"""Added to the diagonal of the scaled normal equations, where two terms are the same at all points."""

_TOLERANCE = 1e-9


def nonnegative_least_squares(rows: Sequence[Row], values: Sequence[float]) -> list[float]:
    """The coefficients of at least 0 whose sums come nearest to the values.

    Args:
        rows: The terms at every point.
        values: What they should add up to there.
    """
    columns = range(len(rows[0]))
    scales = [max(abs(row[column]) for row in rows) or 1.0 for column in columns]
    scaled = [[row[column] / scales[column] for column in columns] for row in rows]
    products = [[sum(row[one] * row[two] for row in scaled) for two in columns] for one in columns]
    targets = [sum(row[column] * value for row, value in zip(scaled, values, strict=True)) for column in columns]
    solution = _active_set(products, targets)
    return [coefficient / scale for coefficient, scale in zip(solution, scales, strict=True)]


def _active_set(products: Sequence[Row], targets: Sequence[float]) -> list[float]:
    count = len(targets)
    solution, free = [0.0] * count, set[int]()
    tolerance = _TOLERANCE * max(map(abs, targets), default=0.0)
    for _ in range(3 * count):
        slopes = [targets[one] - sum(products[one][two] * solution[two] for two in free) for one in range(count)]
        best = max((one for one in range(count) if one not in free), key=slopes.__getitem__, default=None)
        if best is None or slopes[best] <= tolerance:
            break
        free.add(best)
        while free:
            order = sorted(free)
            trial = dict(zip(order, _solved(products, targets, order), strict=True))
            if min(trial.values()) > 0:
                solution = [trial.get(one, 0.0) for one in range(count)]
                break
            step = min(solution[one] / (solution[one] - trial[one]) for one in order if trial[one] <= 0)
            solution = [value + step * (trial.get(one, 0.0) - value) for one, value in enumerate(solution)]
            free = {one for one in free if solution[one] > _TOLERANCE}
    return solution


def _solved(products: Sequence[Row], targets: Sequence[float], order: Sequence[int]) -> list[float]:
    """Solve the normal equations of some columns, by elimination with pivots."""
    table = [[products[one][two] + (_RIDGE if one == two else 0.0) for two in order] + [targets[one]] for one in order]
    size = len(order)
    for place in range(size):
        pivot = max(range(place, size), key=lambda row: abs(table[row][place]))
        table[place], table[pivot] = table[pivot], table[place]
        for row in range(place + 1, size):
            factor = table[row][place] / table[place][place]
            table[row] = [below - factor * above for below, above in zip(table[row], table[place], strict=True)]
    solution = [0.0] * size
    for place in reversed(range(size)):
        known = sum(table[place][other] * solution[other] for other in range(place + 1, size))
        solution[place] = (table[place][size] - known) / table[place][place]
    return solution
