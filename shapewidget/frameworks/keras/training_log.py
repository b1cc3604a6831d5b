"""Follow a training loop of the user's with `tf.GradientTape`: batches, gradients, optimiser steps.

Programs add gradients up in lists, variables or arrays as they like. So the sums are not followed: what an optimiser
applies is compared with the gradients that were taken before, a few numbers of each.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_callbacks

from shapewidget.frameworks import source
from shapewidget.frameworks.keras.draws import Draws
from shapewidget.frameworks.keras.losses_reached import LossTrace
from shapewidget.frameworks.last_batch import LastBatch
from shapewidget.frameworks.step_lines import with_loops
from shapewidget.graph.training import GRADIENT_TAPE, BackwardPass, OptimizerStep, TrainingLog

MOST_EVENTS = 20_000
"""How much of a long training is followed."""
_MOST_PASSES = 256
_MOST_VARIABLES = 8
_NUMBERS = 32
_CLOSE = 1e-3

Sample = dict[int, np.ndarray]
"""A few numbers of the gradient of each variable."""


@dataclass
class _Taken:
    """A gradient that was taken.

    Attributes:
        event: Its place among the events.
        line: The line that took it.
        sample: A few of its numbers.
        is_new: Whether no step came behind it yet.
    """

    event: int
    line: int
    sample: Sample
    is_new: bool = True


class TrainingWatch:
    """Notes what a block does to train; it trains exactly as it does without us."""

    def __init__(self) -> None:
        """Nothing happened yet."""
        self._batches = LastBatch()
        self._events = self._batches.events
        self.draws = Draws(self._batches.draw, self._batches.end)
        self._lines: list[source.Capture | None] = []
        self._losses = LossTrace()
        self._taken: deque[_Taken] = deque(maxlen=_MOST_PASSES)
        self._are_added_up = True
        self._is_inside = False
        self._steps: dict[int, source.Capture | None] = {}
        self._thread = threading.get_ident()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Follow what the block does; to be entered behind whatever else replaces these calls."""

        def ran(kind: Any, inputs: Any, attributes: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> None:
            if graph is None and not self._is_passed_by():
                self._losses.ran(kind.decode() if isinstance(kind, bytes) else kind, inputs, outputs)

        take, step = tf.GradientTape.gradient, keras.optimizers.Optimizer.apply
        op_callbacks.add_op_callback(ran)
        tf.GradientTape.gradient = self._standing_in(take, self._take)
        keras.optimizers.Optimizer.apply = self._standing_in(step, self._step)
        try:
            with self.draws.watching():
                yield
        finally:
            tf.GradientTape.gradient, keras.optimizers.Optimizer.apply = take, step
            op_callbacks.remove_op_callback(ran)

    def log(self) -> TrainingLog:
        """What happened."""
        self._note_order([taken for taken in self._taken if taken.is_new], self._are_added_up)
        lines = tuple(source.resolve(line) if line is not None else None for line in self._lines)
        return TrainingLog(with_loops(self._events, self._steps, lines), lines, self.draws.streams, GRADIENT_TAPE)

    def _is_passed_by(self) -> bool:
        return self._is_inside or threading.get_ident() != self._thread or len(self._events) >= MOST_EVENTS

    def _standing_in(self, original: Callable[..., Any], note: Callable[..., None]) -> Callable[..., Any]:
        """Run a method, and note with what it was called and what it gave."""

        def stand_in(owner: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            if self._is_passed_by() or not tf.executing_eagerly():
                return original(owner, *args, **kwargs)
            self._is_inside = True
            try:
                given = original(owner, *args, **kwargs)
                with contextlib.suppress(TypeError, ValueError):  # called in a way that is not followed
                    note(owner, given, *args, **kwargs)
            finally:
                self._is_inside = False
            return given

        return stand_in

    def _take(self, tape: Any, gradients: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> None:
        """Note gradients that were taken of a single number."""
        if not isinstance(target, tf.Tensor) or target.shape.num_elements() != 1:
            return
        place = source.here()
        if place not in self._lines:
            self._lines.append(place)
        line = self._lines.index(place)
        found = self._losses.terms(target)
        factors, is_mean, rows = (found[0].factors, found[0].is_mean, found[0].rows) if found else ((), False, None)
        self._taken.append(
            _Taken(len(self._events), line, _sample(tf.nest.flatten(gradients), tf.nest.flatten(sources)))
        )
        self._events.append(BackwardPass(line, factors, is_mean and len(found) == 1, rows, True, *self._batches.last))

    def _step(self, optimizer: Any, _: None, grads: Any, trainable_variables: Any = None) -> None:
        """Note a step, and which of the gradients were used in it."""
        variables = trainable_variables if trainable_variables is not None else optimizer._trainable_variables
        used = _sample(grads, list(variables))
        window = getattr(optimizer, "gradient_accumulation_steps", None) or 1
        is_step = int(optimizer._iterations) % window == 0  # counted already; `iterations` counts windows
        lines = {taken.line for taken in self._taken if taken.sample.keys() & used.keys()}
        is_known = True
        for line in lines:
            passes = [taken for taken in self._taken if taken.line == line and taken.sample.keys() & used.keys()]
            found = _sum_that_is(used, passes)
            if window > 1:
                self._note_window(passes, window, is_step)
            elif found is None:
                is_known = False
                self._note_order([taken for taken in passes if taken.is_new], is_sum=True)
            else:
                self._note_sum(passes, *found)
        if is_step:
            for taken in self._taken:
                taken.is_new = taken.is_new and taken.line not in lines
            self._steps[len(self._events)] = source.here()
            self._events.append(OptimizerStep(frozenset(lines), not is_known))

    def _note_sum(self, passes: Sequence[_Taken], count: int, factor: float) -> None:
        """The newest so many gradients were added up, and multiplied by a factor."""
        new = [taken for taken in passes if taken.is_new]
        dropped, added = new[: max(len(new) - count, 0)], new[-count:]
        self._note_order(dropped, is_sum=False)
        self._note_order(added, is_sum=True, is_stale=count > len(new))
        self._are_added_up = count > 1
        for taken in added if abs(factor - 1) > _CLOSE else ():
            self._multiply(taken, factor)

    def _note_window(self, passes: Sequence[_Taken], window: int, is_step: bool) -> None:
        """The optimiser adds the gradients up itself, and divides them by their number."""
        new = [taken for taken in passes if taken.is_new]
        self._note_order(new, is_sum=True)
        if is_step:
            for taken in new:
                self._multiply(taken, 1 / window)

    def _note_order(self, passes: Sequence[_Taken], is_sum: bool, is_stale: bool = False) -> None:
        """Whether sums of gradients begin with the first of these, or with each."""
        for place, taken in enumerate(passes):
            self._change(taken, is_fresh=not is_sum or (place == 0 and not is_stale))

    def _multiply(self, taken: _Taken, factor: float) -> None:
        event = self._events[taken.event]
        assert isinstance(event, BackwardPass)
        self._change(taken, factors=(*event.factors, factor))

    def _change(self, taken: _Taken, **changes: Any) -> None:
        event = self._events[taken.event]
        assert isinstance(event, BackwardPass)
        self._events[taken.event] = replace(event, **changes)


def _sample(gradients: Sequence[Any], variables: Sequence[Any]) -> Sample:
    """A few numbers of the first gradients that are no slices."""
    pairs = zip(gradients, variables, strict=True)
    dense = [(each, variable) for each, variable in pairs if hasattr(each, "shape") and not _is_sliced(each)]
    return {id(getattr(variable, "_value", variable)): _numbers(each) for each, variable in dense[:_MOST_VARIABLES]}


def _is_sliced(gradient: Any) -> bool:
    return isinstance(gradient, tf.IndexedSlices)


def _numbers(gradient: Any) -> np.ndarray:
    flat = np.asarray(gradient).reshape(-1)
    return flat[:: max(flat.size // _NUMBERS, 1)][:_NUMBERS].astype("float64")


def _sum_that_is(used: Sample, passes: Sequence[_Taken]) -> tuple[int, float] | None:
    """How many of the newest gradients add up to the one that was used, and by what they were multiplied."""
    names = sorted(used.keys() & passes[-1].sample.keys())
    wanted = np.concatenate([used[name] for name in names])
    total, found = np.zeros_like(wanted), []
    for count, taken in enumerate(reversed(passes), 1):
        if not set(names) <= taken.sample.keys():
            break
        total = total + np.concatenate([taken.sample[name] for name in names])
        size = float(total @ total)
        factor = float(wanted @ total) / size if size else 0.0
        if factor > 0 and np.abs(wanted - factor * total).max() <= _CLOSE * np.abs(wanted).max():
            is_plain = any(abs(factor * each - 1) < _CLOSE for each in (1, count))
            found.append((not is_plain, count, factor))
    return min(found)[1:] if found else None
