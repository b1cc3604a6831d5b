"""A captured training loop, run again for a few seconds on copies of its models and optimisers."""

from __future__ import annotations

import contextlib
import copy
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook
from torch.utils.data import DataLoader, Dataset

from shapewidget.errors import TimeLimitError
from shapewidget.frameworks.adapter import LoopRun
from shapewidget.frameworks.as_found import as_found
from shapewidget.frameworks.source.loop_replay import LoopReplay
from shapewidget.frameworks.source.repeatable_loops import RepeatableLoops
from shapewidget.frameworks.source.twins import Twins
from shapewidget.frameworks.time_limit import limited
from shapewidget.frameworks.torch.guard import same_defaults, seeded
from shapewidget.frameworks.torch.training_log import TrainingWatch
from shapewidget.graph.remedies import SourceEdit

_SECONDS = 3.0
"""How long a loop runs: its first windows tell what the others do."""
_LOOPS = RepeatableLoops(("torch",), frozenset(name for name in dir(torch.Tensor) if not name.startswith("__")))


class LoopRerun:
    """The loop, ready to be run again.

    Args:
        replay: The loop as the program ran it.
    """

    def __init__(self, replay: LoopReplay) -> None:
        """Nothing is copied yet."""
        self.replay = replay

    @property
    def is_repeatable(self) -> bool:
        """Whether it reaches nothing but what is copied: no files, and no other ranks."""
        distributed = torch.distributed
        has_ranks = distributed.is_available() and distributed.is_initialized()
        return not has_ranks and _LOOPS.allow(self.replay.nodes(), self.replay.names)

    def run(self, edits: Sequence[SourceEdit] = (), names: Mapping[str, object] | None = None) -> LoopRun:
        """Run it with some lines edited; models, optimisers, loaders and random numbers of the program stay as found.

        Raises:
            Exception: Whatever the loop raises.
        """
        loaders = [value for value in self.replay.names.values() if isinstance(value, DataLoader)]
        watch, gradients = TrainingWatch(lambda _: None, contextlib.nullcontext), list[float]()

        def step(optimizer: Optimizer, *_: object) -> None:
            if not gradients:
                gradients.append(_norm(optimizer))

        with _undisturbed(loaders):
            copied = {**self._copied(), **(names or {})}
            hook = register_optimizer_step_pre_hook(step)
            try:
                with self.replay.ready(edits) as run:
                    with watch.watching(), contextlib.suppress(TimeLimitError), limited(_SECONDS):
                        run(copied)
                    return LoopRun(watch.log(), gradients[0] if gradients else None)
            finally:
                hook.remove()

    def _copied(self) -> dict[str, Any]:
        """The names that can be copied: what a turn of the loop has worked out cannot, and is worked out again."""
        twins, found = Twins(_twin_of), dict[str, Any]()
        for name, value in self.replay.names.items():
            with contextlib.suppress(Exception):
                found[name] = twins.of(value)
        return found


def _twin_of(value: object) -> object | None:
    """Loaders are gone through in this process; data is only read."""
    if isinstance(value, DataLoader):
        twin: DataLoader[Any] = copy.copy(value)
        vars(twin).update(_iterator=None, persistent_workers=False, num_workers=0, prefetch_factor=None)
        return twin
    return value if isinstance(value, Dataset) else None


@contextlib.contextmanager
def _undisturbed(loaders: Sequence[Any]) -> Iterator[None]:
    with (
        seeded(0),
        same_defaults(),
        as_found(*loaders),
        torch.inference_mode(False),
        torch.enable_grad(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


def _norm(optimizer: Optimizer) -> float:
    """The length of the gradient that an optimiser is about to use."""
    grads = [weight.grad for group in optimizer.param_groups for weight in group["params"] if weight.grad is not None]
    return math.sqrt(sum(float(grad.detach().double().pow(2).sum()) for grad in grads))
