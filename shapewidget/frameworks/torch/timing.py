"""How long a call takes: repeated until its median is certain enough, or the time for it is up."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable

import torch

from shapewidget.errors import Cancelled
from shapewidget.graph.costs import Timing

BUDGET_SECONDS = 0.5
SHORTEST_SAMPLE = 1e-3
FEWEST, FEWEST_TO_SETTLE, MOST = 3, 5, 50
SETTLED = 0.02
CUDA_WARM_UPS = 3


def timed(call: Callable[[], object], device: torch.device, cancelled: Callable[[], bool]) -> Timing:
    """Time a call that has already run once.

    A call of less than a millisecond is timed in batches. Repeats end when the standard error of the median falls
    under 2%, or after half a second, but not before the third.

    Args:
        call: What to time.
        device: Where it computes; a GPU is timed by its own events.
        cancelled: Asked before every repeat.

    Raises:
        Cancelled: `cancelled` said yes.
    """
    stop = time.perf_counter() + BUDGET_SECONDS
    for _ in range(CUDA_WARM_UPS if device.type == "cuda" else 0):
        call()
    first = _seconds(call, 1, device)
    calls = max(1, math.ceil(SHORTEST_SAMPLE / max(first, 1e-9)))
    samples = [first] if calls == 1 else []
    while len(samples) < FEWEST or (time.perf_counter() < stop and len(samples) < MOST and not _settled(samples)):
        if cancelled():
            raise Cancelled(
                f"Timing was cancelled after {len(samples)} repeats. Measure again to have the whole of it."
            )
        samples.append(_seconds(call, calls, device))
    lower, median, upper = statistics.quantiles(samples, n=4, method="inclusive")
    return Timing(median, lower, upper, repeats=len(samples))


def _settled(samples: list[float]) -> bool:
    """Whether more repeats would hardly move the median, by its standard error for a bell-shaped spread."""
    if len(samples) < FEWEST_TO_SETTLE:
        return False
    lower, median, upper = statistics.quantiles(samples, n=4, method="inclusive")
    return 0.93 * (upper - lower) / math.sqrt(len(samples)) < SETTLED * median


def _seconds(call: Callable[[], object], times: int, device: torch.device) -> float:
    if device.type == "cuda":
        return _event_seconds(call, times, device)
    wait = torch.mps.synchronize if device.type == "mps" else _nothing
    wait()
    start = time.perf_counter()
    for _ in range(times):
        call()
    wait()
    return (time.perf_counter() - start) / times


def _event_seconds(call: Callable[[], object], times: int, device: torch.device) -> float:
    with torch.cuda.device(device):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(times):
            call()
        end.record()
        end.synchronize()
    return float(start.elapsed_time(end)) / 1000 / times


def _nothing() -> None:
    """The CPU has finished when the call returns."""
