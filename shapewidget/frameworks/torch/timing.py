"""How long a call takes: repeated until its median is certain enough, or the time for it is up."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Generator
from typing import NamedTuple

import torch

from shapewidget.graph.costs import Timing

SHORTEST_SAMPLE = 1e-3
FEWEST, FEWEST_TO_SETTLE, MOST = 3, 5, 50
SETTLED = 0.02
CUDA_WARM_UPS = 3


class _Sample(NamedTuple):
    """One repeat: seconds that went by, and those that the calling thread was computing."""

    wall: float
    cpu: float


def timed(call: Callable[[], object], device: torch.device, budget: float) -> Generator[None, None, Timing]:
    """Time a call that has already run once, one repeat a slice.

    A call of less than a millisecond is timed in batches. Repeats end when the standard error of the median falls
    under 2%, or when the time is up, but not before the third.

    Args:
        call: What to time.
        device: Where it computes; a GPU is timed by its own events.
        budget: Seconds that the repeats may take.
    """
    stop = time.perf_counter() + budget
    for _ in range(CUDA_WARM_UPS if device.type == "cuda" else 0):
        call()
    first = _sample(call, 1, device)
    calls = max(1, math.ceil(SHORTEST_SAMPLE / max(first.wall, 1e-9)))
    samples = [first] if calls == 1 else []
    while len(samples) < FEWEST or (time.perf_counter() < stop and len(samples) < MOST and not _settled(samples)):
        yield
        samples.append(_sample(call, calls, device))
    lower, median, upper = _quartiles(samples)
    cpu = min(sample.cpu for sample in samples) if device.type == "cpu" else None
    return Timing(median, lower, upper, repeats=len(samples), cpu=cpu)


def _quartiles(samples: list[_Sample]) -> list[float]:
    return statistics.quantiles((sample.wall for sample in samples), n=4, method="inclusive")


def _settled(samples: list[_Sample]) -> bool:
    """Whether more repeats would hardly move the median, by its standard error for a bell-shaped spread."""
    if len(samples) < FEWEST_TO_SETTLE:
        return False
    lower, median, upper = _quartiles(samples)
    return 0.93 * (upper - lower) / math.sqrt(len(samples)) < SETTLED * median


def _sample(call: Callable[[], object], times: int, device: torch.device) -> _Sample:
    if device.type == "cuda":
        return _Sample(_event_seconds(call, times, device), 0.0)
    wait = torch.mps.synchronize if device.type == "mps" else _nothing
    wait()
    start, cpu_start = time.perf_counter(), time.thread_time()
    for _ in range(times):
        call()
    wait()
    return _Sample((time.perf_counter() - start) / times, (time.thread_time() - cpu_start) / times)


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
