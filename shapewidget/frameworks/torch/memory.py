"""The peak of what a call allocates, beyond what was there before it."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch._C._autograd import _profiler_enabled
from torch.autograd.graph import saved_tensors_hooks
from torch.autograd.profiler import profile

from shapewidget.frameworks.torch import capacity

Call = Callable[[], object]

_CHECK_EVERY = 64 * 2**20


def nbytes(tensors: Iterable[torch.Tensor]) -> int:
    """Bytes of the tensors, a tensor that occurs twice counted once."""
    total = 0
    for tensor in {id(tensor): tensor for tensor in tensors}.values():
        parts = (tensor._indices(), tensor._values()) if tensor.layout is torch.sparse_coo else (tensor,)
        total += sum(part.nbytes for part in parts)
    return total


def measured_peak(call: Call, device: torch.device) -> int | None:
    """Peak bytes that a call allocates; None where the device does not tell."""
    with _no_collection():
        if device.type == "cuda":
            return _cuda_peak(call, device)
        return _profiled_peak(call) if device.type == "cpu" else None


def _cuda_peak(call: Call, device: torch.device) -> int:
    torch.cuda.synchronize(device)
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    call()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def _profiled_peak(call: Call) -> int | None:
    """The running sum of every allocation and release, scratch memory of kernels included, at its highest."""
    if _profiler_enabled():  # by the user: a second profiler would end the first
        return None
    with _quiet_profiler(), profile(profile_memory=True, acc_events=True) as profiler:
        call()
    recorded: Any = profiler.kineto_results
    events = [event for event in recorded.events() if event.name() == "[memory]"]
    live = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return peak


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from freeing older tensors meanwhile, which would be taken off the peak."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


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


class SavedTensors(saved_tensors_hooks):
    """Counts what is kept for the backward pass, and stops before the host has no memory left.

    Attributes:
        nbytes: Bytes kept so far, without the tensors that are `known`.
    """

    def __init__(self, known: Iterable[torch.Tensor]) -> None:
        self.nbytes = 0
        self._seen = {tensor.untyped_storage().data_ptr() for tensor in known if tensor.layout is torch.strided}
        self._checked = 0
        super().__init__(self._pack, lambda tensor: tensor)

    def _pack(self, tensor: torch.Tensor) -> torch.Tensor:
        if tensor.layout is torch.strided and tensor.untyped_storage().data_ptr() not in self._seen:
            storage = tensor.untyped_storage()
            self._seen.add(storage.data_ptr())
            self.nbytes += storage.nbytes()
            if tensor.device.type == "cpu" and self.nbytes - self._checked > _CHECK_EVERY:
                self._checked = self.nbytes
                capacity.require(_CHECK_EVERY, "More tensors for the backward pass")
        return tensor
