"""Where the seconds of a training step go: forward pass, backward pass with the loss, update of the weights.

The forward passes of the model and the updates of its optimiser are clocked by hooks, so that a step may be anybody's;
what is left is the backward pass. On a GPU the marks are events, which nothing has to wait for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from shapewidget.frameworks.timing import Sample, quartiles
from shapewidget.graph.costs import StepParts, Timing

Mark = Sample | torch.cuda.Event
Span = tuple[Mark, Mark]


class StepClock:
    """Clocks the parts of every training step that runs while it watches.

    Args:
        model: A copy of our own, as it gets hooks of its own.
        optimizer: Updates it.
        device: Where the model computes.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device) -> None:
        self._model, self._optimizer, self._device = model, optimizer, device
        self._steps: list[tuple[Span, list[Span], list[Span]]] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Hold the hooks."""
        opened: list[Mark] = []
        forward: list[Span] = []
        update: list[Span] = []

        def enter(*_: object) -> None:
            opened.append(self._mark())

        def left(spans: list[Span]) -> Callable[..., None]:
            return lambda *_: spans.append((opened.pop(), self._mark()))

        self._spans = forward, update
        hooks = [
            self._model.register_forward_pre_hook(enter),
            self._model.register_forward_hook(left(forward)),
            self._optimizer.register_step_pre_hook(enter),
            self._optimizer.register_step_post_hook(left(update)),
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def clocked(self, step: Callable[[], object]) -> None:
        """Make one training step."""
        forward, update = self._spans
        start = self._mark()
        step()
        self._steps.append(((start, self._mark()), forward.copy(), update.copy()))
        forward.clear()
        update.clear()

    def parts(self) -> StepParts:
        """Quartiles over all steps, once what they asked for is computed."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        rows = []
        for whole, forward, update in self._steps:
            passes, updates, step = _total(forward), _total(update), _total([whole])
            rest = Sample(
                max(0.0, step.wall - passes.wall - updates.wall), max(0.0, step.cpu - passes.cpu - updates.cpu)
            )
            rows.append((passes, rest, updates))
        return StepParts(*(self._timing(part) for part in zip(*rows, strict=True)))

    def _timing(self, part: Sequence[Sample]) -> Timing:
        has_cpu_clock = self._device.type == "cpu"
        return quartiles([it.wall for it in part], min(it.cpu for it in part) if has_cpu_clock else None)

    def _mark(self) -> Mark:
        if self._device.type != "cuda":
            return Sample(time.perf_counter(), time.thread_time())
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        return event


def _total(spans: Sequence[Span]) -> Sample:
    """Seconds of all these spans together."""
    wall = cpu = 0.0
    for start, end in spans:
        if isinstance(start, Sample) and isinstance(end, Sample):
            wall, cpu = wall + end.wall - start.wall, cpu + end.cpu - start.cpu
        elif not isinstance(start, Sample) and not isinstance(end, Sample):
            wall += float(start.elapsed_time(end)) / 1000
    return Sample(wall, cpu)
