"""Whether a point of a sweep would fit into memory, told before any large one was run.

Memory grows at most with the batch and with the square of every other size. Where that bound, from what was measured,
is within what is free, a point is let through. Where it is not, runs at a quarter and at half of the user's own sizes
tell how the bytes of every operation grow, and the peak at the point follows from them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from shapewidget.frameworks.slices import finished
from shapewidget.graph.costs import Measurement
from shapewidget.graph.memory_law import fitting_memory
from shapewidget.graph.polynomials import byte_terms
from shapewidget.probing.sizes import BATCH

Point = Mapping[str, Any]

_SHARES = (0.25, 0.5, 1.0)
"""Of the own size, by the power that a size has in a term of bytes: as many runs as terms tell all of them apart."""

_MORE_SHARES = (0.75, 0.375)
"""Of two runs more, without which any values would lie on a polynomial."""


class Foresight:
    """Predicts the peak of points that might not fit.

    Args:
        names: The sizes that are varied.
        settings: What else is varied: runs that differ in it follow laws of their own.
        own: The user's own sizes, which fit.
        steps: What a size has to be a multiple of, by its name; 1 where it is not there.
        run: Measures the memory of a small run.
    """

    def __init__(
        self,
        names: Sequence[str],
        settings: Sequence[str],
        own: Mapping[str, int],
        steps: Mapping[str, int],
        run: Callable[[Point], Measurement],
    ) -> None:
        self._names, self._settings = tuple(names), tuple(settings)
        self._own, self._steps, self._run = own, steps, run
        self._small: dict[tuple[object, ...], list[Measurement]] = {}

    def peak(self, point: Point, measured: Iterable[Measurement], room: int) -> int | None:
        """The bytes that a point is predicted to take, where that may be more than there is room for.

        Args:
            point: Sizes and settings.
            measured: All points so far.
            room: Bytes that are free.

        Returns:
            None where it fits for certain, or where nothing tells.
        """
        if not self._names:
            return None
        alike = [run for run in measured if run.memory is not None and self._setting(run.sizes) == self._setting(point)]
        small = self._small.setdefault(self._setting(point), [])
        plan = self._plan(point)
        if not alike and not small:
            small.append(self._run(next(plan)))
        if any(_bound(run, point, self._names) <= room for run in (*alike, *small)):
            return None
        if len(small) <= 1:
            small += [self._run(sizes) for sizes in plan]
        law = finished(fitting_memory([*alike, *small], self._names))
        return None if law is None else law.at({name: point[name] for name in self._names}).peak

    def _setting(self, point: Point) -> tuple[object, ...]:
        return tuple(point[name] for name in self._settings)

    def _plan(self, point: Point) -> Iterator[Point]:
        """Small runs, the smallest first."""
        shares = [[_SHARES[power] for power in powers] for powers in byte_terms(self._names)]
        for run in (*shares, *([share] * len(self._names) for share in _MORE_SHARES)):
            yield {**point, **{name: self._rounded(name, share) for name, share in zip(self._names, run, strict=True)}}

    def _rounded(self, name: str, share: float) -> int:
        unit = self._steps.get(name, 1)
        return max(1, round(share * self._own[name] / unit)) * unit


def _bound(run: Measurement, point: Point, names: Sequence[str]) -> float:
    """What a point takes at most, judged by one run."""
    if run.memory is None:
        return math.inf
    bound = float(run.memory.peak)
    for name in names:
        bound *= max(1.0, point[name] / run.sizes[name]) ** (1 if name == BATCH else 2)
    return bound
