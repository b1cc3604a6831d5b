"""The largest size that fits: said at once from the predicted memory, then narrowed down by running."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from shapewidget.frameworks.adapter import Effort
from shapewidget.graph.costs import Measurement
from shapewidget.probing.costs import Costs, Sizes
from shapewidget.probing.sizes import LARGEST

_CLOSE = 0.02
"""How near the smallest size that does not fit has to be, as a share."""

_MOST_RUNS = 8


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest value of one size at which a training step fits.

    Attributes:
        name: The size.
        size: Its value.
        capacity: Bytes that there are.
        measured: Whether it was run at this size, and did not fit, or was certain not to fit, a little beyond it.
    """

    name: str
    size: int
    capacity: int
    measured: bool = False

    @property
    def is_endless(self) -> bool:
        """Whether no size was found that does not fit."""
        return self.size >= LARGEST


def largest_predicted(costs: Costs, sizes: Sizes, name: str) -> Largest | None:
    """The largest value of a size whose predicted peak is within the device's capacity, all others as given.

    Returns:
        None where the capacity or the memory is not known; the size is 0 where not even 1 fits.
    """
    capacity = costs.capacity
    if capacity is None or costs.predict(sizes).peak is None:
        return None

    def fits(size: int) -> bool:
        peak = costs.predict({**sizes, name: size}).peak
        return peak is not None and peak.value <= capacity

    low, high = 0, 1
    while high < LARGEST and fits(high):
        low, high = high, min(2 * high, LARGEST)
    if high == LARGEST and fits(high):
        return Largest(name, LARGEST, capacity)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return Largest(name, low, capacity)


def searching(
    costs: Costs, sizes: Sizes, name: str, note: Callable[[Measurement], None] = lambda _: None
) -> Generator[None, None, Largest | None]:
    """Run at the predicted size and around it, until the largest that fits is known within 2%.

    Every run is a point of its own; one that does not fit is marked. Close the generator to end the search.

    Args:
        costs: Runs and predicts.
        sizes: All sizes.
        name: The one whose largest value is looked for.
        note: Told every point.
    """
    found = largest_predicted(costs, sizes, name)
    if found is None or not found.size or found.is_endless:
        return found
    low, high, size = 0, 0, found.size
    for _ in range(_MOST_RUNS):
        point = yield from costs.measuring({**sizes, name: size}, Effort.BYTES)
        note(point)
        if point.fits and point.memory is not None and point.memory.peak <= found.capacity:
            low = size
        else:
            high = size
        if high and (high - low <= max(1, _CLOSE * low)):
            break
        size = _next(low, high)
        if size < 1:
            break
    return Largest(name, low, found.capacity, measured=bool(low))


def _next(low: int, high: int) -> int:
    """A little further while no limit was met, else between what fits and what does not."""
    if not high:
        return low + max(1, round(_CLOSE * low))
    return (low + high) // 2 if low else round(high * (1 - 2 * _CLOSE)) if high > 10 else high - 1
