"""The bytes of a call, operation by operation, from the events of PyTorch's profiler.

The profiler sees every allocation with the scratch memory of kernels, and which operation it falls into. Operations
are the outermost ones: `aten::lstm`, one node of the backward pass, a step of the optimiser. What is allocated inside
them may differ between sizes, as a kernel is chosen by them; which operations there are does not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch._C._autograd import _profiler_enabled
from torch.autograd.profiler import profile

from shapewidget.graph.costs import Segment, Timeline

_BEFORE_ALL = "before the first operation"


def timeline(call: Callable[[], object], device: torch.device) -> Timeline | None:
    """Run a call once under the profiler.

    Args:
        call: What to run.
        device: Whose memory counts.

    Returns:
        None where the device does not tell, or the user's own profiler is running, which a second one would end.
    """
    if device.type not in ("cpu", "cuda") or _profiler_enabled():
        return None
    with _quiet_profiler(), profile(profile_memory=True) as profiler:
        call()
    recorded: Any = profiler.kineto_results
    return tuple(_segments(recorded.events(), device.type.upper()))


def _segments(events: Any, device: str) -> Iterator[Segment]:
    """Cut the running sum of bytes at the start of every outermost operation."""
    name, net, peak, end = _BEFORE_ALL, 0, 0, 0
    for event in sorted(events, key=lambda event: (event.start_ns(), -event.duration_ns())):
        if event.name() == "[memory]":
            if event.device_type().name == device:
                net += event.nbytes()
                peak = max(peak, net)
        elif event.start_ns() >= end and event.device_type().name == "CPU":
            if name != _BEFORE_ALL or peak:
                yield Segment(name, net, peak)
            name, net, peak, end = event.name(), 0, 0, event.start_ns() + event.duration_ns()
    yield Segment(name, net, peak)


@contextmanager
def _quiet_profiler() -> Iterator[None]:
    """Keep the profiler from printing that it starts and stops: notebooks show what C++ prints.

    It reads the level once, when it first starts, so the variable need not stay.
    """
    name = "KINETO_LOG_LEVEL"
    if name in os.environ:
        yield
        return
    os.environ[name] = "6"
    try:
        yield
    finally:
        del os.environ[name]
