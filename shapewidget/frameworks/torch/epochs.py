"""Which passes a program makes over samplers that draw their order from an epoch that they are told."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

from torch.utils.data import DataLoader

from shapewidget.frameworks.torch.guard import same_random_state
from shapewidget.graph.batches import SamplerPasses


class EpochWatch:
    """Notes at which epoch every pass over such a sampler begins."""

    def __init__(self) -> None:
        """No pass was made yet."""
        self._epochs: dict[int, tuple[Any, list[int]]] = {}

    def note(self, loader: DataLoader[Any]) -> None:
        """A pass over the loader begins."""
        samplers: tuple[Any, ...] = loader.sampler, loader.batch_sampler, getattr(loader.batch_sampler, "sampler", None)
        for sampler in samplers:
            if callable(getattr(sampler, "set_epoch", None)) and isinstance(getattr(sampler, "epoch", None), int):
                self._epochs.setdefault(id(sampler), (sampler, []))[1].append(sampler.epoch)
                return

    def unchanged(self) -> tuple[SamplerPasses, ...]:
        """The shuffling samplers that were gone through more than once, always at the same epoch."""
        return tuple(
            SamplerPasses(type(sampler).__name__, len(epochs), epochs[0], len(sampler), _next_differs(sampler))
            for sampler, epochs in self._epochs.values()
            if len(epochs) > 1 and len(set(epochs)) == 1 and getattr(sampler, "shuffle", True)
        )


def _next_differs(sampler: Any) -> bool:
    """Whether a copy that is told the next epoch gives another order; False where that cannot be tried."""
    with same_random_state(), contextlib.suppress(Exception):
        now, later = copy.copy(sampler), copy.copy(sampler)
        later.set_epoch(sampler.epoch + 1)
        return list(now) != list(later)
    return False
