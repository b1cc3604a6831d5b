"""The peak of what a call allocates, beyond what was there before it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch.autograd.graph import saved_tensors_hooks

from shapewidget.frameworks.torch import capacity
from shapewidget.frameworks.torch.timeline import timeline
from shapewidget.graph.costs import Timeline, peak_of

Call = Callable[[], object]

_CHECK_EVERY = 64 * 2**20
_NO_BACKWARD = -1
"""Id of the running backward pass where there is none."""


def nbytes(tensors: Iterable[torch.Tensor]) -> int:
    """Bytes of the tensors, a tensor that occurs twice counted once."""
    total = 0
    for tensor in {id(tensor): tensor for tensor in tensors}.values():
        parts = (tensor._indices(), tensor._values()) if tensor.layout is torch.sparse_coo else (tensor,)
        total += sum(part.nbytes for part in parts)
    return total


def measured(call: Call, device: torch.device) -> tuple[int | None, Timeline]:
    """Peak bytes that a call allocates, and how they come about.

    Returns:
        The peak, None where the device does not tell; the timeline, empty there.
    """
    with _no_collection():
        peak = _cuda_peak(call, device) if device.type == "cuda" else None
        found = timeline(call, device)
    if found is None:
        return peak, ()
    return peak_of(found) if peak is None else peak, found


def _cuda_peak(call: Call, device: torch.device) -> int:
    torch.cuda.synchronize(device)
    torch.cuda.empty_cache()  # blocks that earlier runs left would count as reserved for this one
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    call()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def most_reserved(device: torch.device) -> int | None:
    """What the allocator of a GPU held at most since the last peak was asked for; None on other devices."""
    return torch.cuda.max_memory_reserved(device) if device.type == "cuda" else None


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


class SavedTensors(saved_tensors_hooks):
    """Counts what is kept for the backward pass, and stops before the host has no memory left.

    Args:
        known: Tensors that are there all the same, and do not count.
        keep: Told the bytes of every other one as it is kept.

    Attributes:
        nbytes: Bytes kept so far.
    """

    def __init__(self, known: Iterable[torch.Tensor], keep: Callable[[int], None]) -> None:
        self.nbytes = 0
        self._keep = keep
        self._seen = {tensor.untyped_storage().data_ptr() for tensor in known if tensor.layout is torch.strided}
        self._checked = 0
        super().__init__(self._pack, lambda tensor: tensor)

    def _pack(self, tensor: torch.Tensor) -> torch.Tensor:
        if torch._C._current_graph_task_id() != _NO_BACKWARD:
            return tensor  # of a forward pass that is made again, as checkpointing does: nothing that is kept
        if tensor.layout is torch.strided and tensor.untyped_storage().data_ptr() not in self._seen:
            storage = tensor.untyped_storage()
            self._seen.add(storage.data_ptr())
            self.nbytes += storage.nbytes()
            self._keep(storage.nbytes())
            if tensor.device.type == "cpu" and self.nbytes - self._checked > _CHECK_EVERY:
                self._checked = self.nbytes
                capacity.require(_CHECK_EVERY, "More tensors for the backward pass")
        return tensor
