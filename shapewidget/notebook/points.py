"""The measured points of one model, and which ones beside a chosen one are worth their time."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping

from shapewidget.frameworks.adapter import Effort
from shapewidget.graph.costs import Measurement
from shapewidget.probing.costs import Costs

CURVE_SECONDS = 2.0
"""What the points beside the chosen one may cost, all together."""

Sizes = Mapping[str, int]


class Points:
    """Measures, and never the same sizes twice.

    Args:
        costs: What measures.

    Attributes:
        measured: Every point, oldest first.
    """

    def __init__(self, costs: Costs) -> None:
        self._costs = costs
        self._seconds: dict[frozenset[tuple[str, int]], float] = {}
        self.measured: list[Measurement] = []

    def measuring(self, sizes: Sizes, effort: Effort = Effort.THOROUGH) -> Generator[None, None, None]:
        """Measure at these sizes, unless that was done before, one call of the model a slice.

        Nothing is kept of a generator that is closed before its end.

        Raises:
            ShapeWidgetError: The model cannot be had at these sizes.
        """
        key = frozenset(sizes.items())
        if key in self._seconds:
            return
        started = time.monotonic()
        point = yield from self._costs.measuring(sizes, effort)
        self.add(point, time.monotonic() - started)

    def add(self, point: Measurement, seconds: float = 0.0) -> None:
        """Keep a point that was measured elsewhere."""
        self.measured.append(point)
        self._seconds[frozenset(point.sizes.items())] = seconds

    def note(self, point: Measurement) -> None:
        """Keep a point of which the memory alone was measured, unless more is known of its sizes."""
        if frozenset(point.sizes.items()) not in self._seconds:
            self.measured.append(point)

    def along(self, axis: str, sizes: Sizes) -> list[Measurement]:
        """The points that differ from these sizes in one of them only."""
        others = {name: size for name, size in sizes.items() if name != axis}
        return [
            point
            for point in self.measured
            if axis in point.sizes and {name: size for name, size in point.sizes.items() if name != axis} == others
        ]

    def beside(self, sizes: Sizes, axis: str, low: int, high: int) -> Iterator[dict[str, int]]:
        """The sizes around measured ones that are worth measuring next, cheapest first.

        A step is taken to be as long as the size is large. What the points did cost counts, so each is to be measured
        before the next one is asked for. It ends where the time is spent, and where the memory is; a model that does
        not run at these sizes is not tried at others.
        """
        here = [point for point in self.measured if point.sizes == sizes]
        if any(point.fits and point.forward is None and point.memory is None for point in here):
            return
        unit = self._seconds.get(frozenset(sizes.items()), 0.0) / sizes[axis]
        spent = 0.0
        for size in neighbours(sizes[axis], low, high):
            point = {**sizes, axis: size}
            key = frozenset(point.items())
            if key in self._seconds or size * unit + spent > CURVE_SECONDS:
                continue
            if any(not smaller.fits for smaller in self.along(axis, sizes) if smaller.sizes[axis] <= size):
                return
            yield point
            spent += self._seconds.get(key, 0.0)


def neighbours(size: int, low: int, high: int) -> list[int]:
    """A quarter, a half, twice and four times the size, as far as they are within the bounds."""
    return sorted({near for near in (size // 4, size // 2, size * 2, size * 4) if low <= near <= high} - {size})
