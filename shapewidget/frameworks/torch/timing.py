"""How long a call takes where PyTorch computes it."""

from __future__ import annotations

from collections.abc import Callable, Generator

import torch

from shapewidget.frameworks.timing import Sample, at_once, clocked, repeated
from shapewidget.graph.costs import Timing

CUDA_WARM_UPS = 3


def timed(call: Callable[[], object], device: torch.device, budget: float) -> Generator[None, None, Timing]:
    """Time a call that has already run once, one repeat a slice.

    Args:
        call: What to time.
        device: Where it computes; a GPU is timed by its own events.
        budget: Seconds that the repeats may take.
    """
    for _ in range(CUDA_WARM_UPS if device.type == "cuda" else 0):
        call()
    return (yield from repeated(lambda times: _sample(call, times, device), budget, has_cpu_clock=device.type == "cpu"))


def _sample(call: Callable[[], object], times: int, device: torch.device) -> Sample:
    if device.type == "cuda":
        return Sample(_event_seconds(call, times, device), 0.0)
    return clocked(call, times, torch.mps.synchronize if device.type == "mps" else at_once)


def _event_seconds(call: Callable[[], object], times: int, device: torch.device) -> float:
    with torch.cuda.device(device):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(times):
            call()
        end.record()
        end.synchronize()
    return float(start.elapsed_time(end)) / 1000 / times
