"""Run a model on inputs that may be wrong, to see how far they get."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils.hooks import RemovableHandle

from shapewidget.frameworks.time_limit import limited
from shapewidget.frameworks.torch.guard import untouched
from shapewidget.frameworks.torch.layers import declared_sizes, paths
from shapewidget.frameworks.torch.likeness import to_run
from shapewidget.frameworks.torch.recorder import Recorder
from shapewidget.frameworks.torch.signature import unwrapped

_SECONDS = 20.0
"""After how long a trial counts as failed."""


@dataclass(frozen=True)
class Trial:
    """How far a forward pass came.

    Attributes:
        returned: Layers with weights of their own that came to their end.
        entered: Layers that were called with a tensor of the width that they were built for.
        error: Type and first line of what it raised; None if it ran through.
    """

    returned: int
    entered: int
    error: str | None

    @property
    def score(self) -> tuple[bool, int, int]:
        """Larger is further."""
        return self.error is None, self.returned, self.entered


def tried(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Trial:
    """Run the model without gradients; it is left as found, and what it prints is not shown."""
    own = to_run(unwrapped(model))
    error = None
    watch = _Watch(own)
    with untouched(own) as held, torch.no_grad(), _quiet(), watch, _unwritten(own, held):
        try:
            with limited(_SECONDS):
                own(*args, **kwargs)
        except (Exception, SystemExit) as raised:
            error = f"{type(raised).__name__}: {raised}".strip().splitlines()[0]
    return Trial(len(watch.returned), len(watch.entered), error)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _unwritten(model: nn.Module, held: list[torch.Tensor]) -> contextlib.AbstractContextManager[None]:
    """Give what the model holds its values back: a recording of nothing, which does that."""
    return Recorder(paths(model), repair=False, most_nodes=0, protected=held).recording()


class _Watch(contextlib.AbstractContextManager["_Watch"]):
    """Notes which layers with weights of their own are called in the block, and which return.

    The hooks are torch's global ones: hooks on the modules themselves would switch off the fast path of attention.
    """

    def __init__(self, model: nn.Module) -> None:
        self.entered: set[nn.Module] = set()
        self.returned: set[nn.Module] = set()
        self._layers = {module for module in model.modules() if module._parameters}
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> _Watch:
        self._handles = [register_module_forward_pre_hook(self._enter), register_module_forward_hook(self._return)]
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        if module not in self._layers or not args or not isinstance(args[0], torch.Tensor):
            return
        _refuse(module, args[0])
        if isinstance(module, nn.Embedding) or _has_declared_width(args[0], module):
            self.entered.add(module)

    def _return(self, module: nn.Module, args: Any, output: Any) -> None:
        if module in self._layers:
            self.returned.add(module)


def _has_declared_width(tensor: torch.Tensor, module: nn.Module) -> bool:
    wanted = [(each.axis, each.size) for each in declared_sizes(module) if each.axis is not None]
    fits = all(-tensor.ndim <= axis < tensor.ndim and tensor.shape[axis] == size for axis, size in wanted)
    return bool(wanted) and fits and tensor.is_floating_point()


def _refuse(module: nn.Module, tensor: torch.Tensor) -> None:
    """Raise for what a guess must not get away with.

    A layer that takes a batch for one sample would run, and hide what is wrong. An id out of range would on a GPU be an
    assertion that no program recovers from.
    """
    rank = _batched_rank(module)
    if rank and tensor.ndim != rank:
        raise ValueError(f"{type(module).__name__} takes a batch with {rank} axes, and was given {tensor.ndim} axes")
    if isinstance(module, nn.Embedding):
        if tensor.is_floating_point():
            raise TypeError("an embedding takes whole numbers")
        if tensor.numel() and not tensor.is_meta and (tensor.max() >= module.num_embeddings or tensor.min() < 0):
            raise IndexError(f"an id is not below {module.num_embeddings}")


def _batched_rank(module: nn.Module) -> int:
    """Rank of a batch, of layers that would take a single sample too."""
    if isinstance(module, _ConvNd):
        return len(module.kernel_size) + 2
    return 3 if isinstance(module, nn.RNNBase | nn.MultiheadAttention) else 0
