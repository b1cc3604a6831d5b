"""How long a call takes: repeated until its median is certain enough, or the time for it is up."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

from shapewidget.graph.costs import Timing

SHORTEST_SAMPLE = 1e-3
FEWEST, FEWEST_TO_SETTLE, MOST = 3, 5, 50
SETTLED = 0.02


class Sample(NamedTuple):
    """One repeat: seconds that went by, and those that the calling thread was computing."""

    wall: float
    cpu: float


def repeated(take: Callable[[int], Sample], budget: float, *, has_cpu_clock: bool) -> Generator[None, None, Timing]:
    """Time a call that has already run once, one repeat a slice.

    A call of less than a millisecond is timed in batches. First repeats that are slower than all later ones are warm-up
    and do not count. Repeats end when the standard error of the median falls under 2%, or when the time is up, but not
    before the third.

    Args:
        take: Makes so many calls one after the other, and gives the seconds of one.
        budget: Seconds that the repeats may take.
        has_cpu_clock: Whether it computes where the calling thread does.
    """
    stop = time.perf_counter() + budget
    first = take(1)
    calls = max(1, math.ceil(SHORTEST_SAMPLE / max(first.wall, 1e-9)))
    samples = [first] if calls == 1 else []
    while len(samples) < FEWEST or (time.perf_counter() < stop and len(samples) < MOST and not _settled(samples)):
        yield
        samples = _warm([*samples, take(calls)])
    cpu = min(sample.cpu for sample in samples) if has_cpu_clock else None
    return quartiles([sample.wall for sample in samples], cpu)


def quartiles(seconds: Sequence[float], cpu: float | None = None) -> Timing:
    """Median and quartiles of repeats, at least two."""
    lower, median, upper = statistics.quantiles(seconds, n=4, method="inclusive")
    return Timing(median, lower, upper, repeats=len(seconds), cpu=cpu)


def clocked(call: Callable[[], object], times: int, wait: Callable[[], object]) -> Sample:
    """Seconds of one of so many calls.

    Args:
        call: What to time.
        times: How often.
        wait: Returns when all that was asked for is computed.
    """
    wait()
    start, cpu_start = time.perf_counter(), time.thread_time()
    for _ in range(times):
        call()
    wait()
    return Sample((time.perf_counter() - start) / times, (time.thread_time() - cpu_start) / times)


def at_once() -> None:
    """The CPU has finished when the call returns."""


def _warm(samples: list[Sample]) -> list[Sample]:
    """Without the first one where it is slower than all that follow, and enough of these are there to tell."""
    first, *rest = samples
    is_cold = len(rest) >= FEWEST and first.wall > (1 + SETTLED) * max(it.wall for it in rest)
    return rest if is_cold else samples


def _settled(samples: list[Sample]) -> bool:
    """Whether more repeats would hardly move the median, by its standard error for a bell-shaped spread."""
    if len(samples) < FEWEST_TO_SETTLE:
        return False
    spread = quartiles([sample.wall for sample in samples])
    return 0.93 * (spread.upper - spread.lower) / math.sqrt(len(samples)) < SETTLED * spread.median
