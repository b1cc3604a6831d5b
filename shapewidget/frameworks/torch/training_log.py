"""Follow a training loop of the user's: batches, backward passes and optimiser steps."""

from __future__ import annotations

import contextlib
import math
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook

from shapewidget.frameworks import source
from shapewidget.frameworks.last_batch import LastBatch
from shapewidget.frameworks.source.loop_replay import LoopReplay, loop_around
from shapewidget.frameworks.step_lines import with_loops
from shapewidget.frameworks.torch.draws import Draws
from shapewidget.frameworks.torch.losses_reached import terms, weights
from shapewidget.graph.training import BackwardPass, OptimizerStep, TrainingLog

MOST_EVENTS = 20_000
"""How much of a long training is followed."""


class TrainingWatch:
    """Notes what a block does to train; it trains exactly as it does without us.

    Args:
        begun: Called with the loader of every pass.
        aside: What a loader's own work runs in.

    Attributes:
        loops: The loop that each of the lines was in when it first took gradients.
    """

    def __init__(self, begun: Callable[[Any], None], aside: Callable[[], AbstractContextManager[None]]) -> None:
        """Nothing happened yet."""
        self.loops: list[LoopReplay | None] = []
        self._batches = LastBatch()
        self._events = self._batches.events
        self.draws = Draws(begun, self._batches.draw, self._batches.end, aside)
        self._lines: list[source.Capture | None] = []
        self._reached: dict[int, list[weakref.ref[torch.Tensor]]] = {}
        self._weights: dict[int, weakref.ref[torch.Tensor]] = {}  # of every line, one whose gradient is looked at
        self._bound: set[int] = set()
        self._versions: dict[int, tuple[int, int]] = {}
        self._steps: dict[int, source.Capture | None] = {}
        self._thread = threading.get_ident()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Follow what the block does."""
        original = torch.autograd.backward

        this = weakref.proxy(self)  # torch's compiler, imported meanwhile, may keep the function for ever

        def backward(tensors: Any, *args: Any, **kwargs: Any) -> None:
            if threading.get_ident() != this._thread or len(this._events) >= MOST_EVENTS:
                return original(tensors, *args, **kwargs)
            line = this._before(tensors)
            original(tensors, *args, **kwargs)
            if line is not None:
                this._versions[line] = this._version(line)
            return None

        hook = register_optimizer_step_pre_hook(self._step)
        torch.autograd.backward = backward
        try:
            with self.draws.watching():
                yield
        finally:
            torch.autograd.backward = original
            hook.remove()

    def log(self) -> TrainingLog:
        """What happened."""
        lines = tuple(source.resolve(line) if line is not None else None for line in self._lines)
        return TrainingLog(with_loops(self._events, self._steps, lines), lines, self.draws.streams)

    def _before(self, tensors: Any) -> int | None:
        """Note a backward pass that begins; gives the number of its line, None where it starts at no scalar."""
        loss = tensors[0] if isinstance(tensors, tuple | list) and len(tensors) == 1 else tensors
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1 or loss.grad_fn is None:
            return None
        with torch._C.DisableTorchFunction(), torch.no_grad():
            line = self._line(loss)
            means = sorted(terms(loss), key=lambda term: -abs(math.prod(term.factors)))
            first = means[0] if means else None
            is_mean = len(means) == 1 and means[0].is_mean
            factors, rows = (first.factors, first.rows) if first is not None else ((), None)
            counted = first.counted if first is not None and is_mean else None
            drawn = self._batches.last
            self._events.append(BackwardPass(line, factors, is_mean, rows, self._is_fresh(line), *drawn, counted))
        return line

    def _line(self, loss: torch.Tensor) -> int:
        place = source.here()
        if place not in self._lines:
            self._lines.append(place)
            self.loops.append(loop_around(source.current()))
        line = self._lines.index(place)
        if self._weight(line) is None:
            self._reached[line] = [weakref.ref(weight) for weight in weights(loss)]
            self._weights[line] = self._reached[line][0]
            self._bound.discard(line)
        return line

    def _weight(self, line: int) -> torch.Tensor | None:
        known = self._weights.get(line)
        return known() if known is not None else None

    def _gradient(self, line: int) -> torch.Tensor | None:
        weight = self._weight(line)
        return weight.grad if weight is not None else None

    def _is_fresh(self, line: int) -> bool:
        gradient = self._gradient(line)
        return gradient is None or not bool(gradient.any())

    def _version(self, line: int) -> tuple[int, int]:
        gradient = self._gradient(line)
        return (id(gradient), gradient._version) if gradient is not None else (0, 0)

    def _step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if threading.get_ident() != self._thread or len(self._events) >= MOST_EVENTS:
            return
        with torch._C.DisableTorchFunction():
            owned = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
            self._bind(owned)
            lines = frozenset(line for line in self._weights if id(self._weight(line)) in owned)
            is_rescaled = any(self._version(line) != self._versions.get(line) for line in lines)
        self._steps[len(self._events)] = source.here()
        self._events.append(OptimizerStep(lines, is_rescaled))

    def _bind(self, owned: set[int]) -> None:
        """Look, for every line from now on, at a weight of the optimiser that steps first behind it."""
        for line in set(self._reached) - self._bound:
            weight = next((each for each in self._reached[line] if id(each()) in owned), None)
            if weight is not None:
                self._bound.add(line)
                if weight() is not self._weight(line):
                    self._weights[line] = weight
                    self._versions[line] = self._version(line)
