"""The real batches of a running training loop, as its model is called with them."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from typing import Any

from shapewidget.frameworks.nesting import is_array, named_arrays, parts, size_of
from shapewidget.graph.batches import BatchRecord
from shapewidget.probing.timeline import Timeline

SECONDS = 0.25
"""How often a batch is recorded, at most; the first one, and the first one of another form, always are."""
SHARE = 0.01
"""Which share of the loop's time looking at shapes may take, and which recording."""
_MOST = 10_000
_ALWAYS = 100
"""So many calls are looked at in any case."""


class Live:
    """Counts the calls of a model, and records a few of them each second.

    It measures what it takes. Where looking at the shapes of every call takes more than its share, as in a loop whose
    steps are shorter than about 0.1 ms, calls in between are only counted.

    Args:
        shown: Called after a batch was recorded.

    Attributes:
        count: How many times the model was called.
        odd: The first batch that has other shapes than the one recorded first.
    """

    def __init__(self, shown: Callable[[Live], None] = lambda _: None) -> None:
        """No batch was seen yet."""
        self.count = 0
        self.odd: BatchRecord | None = None
        self._shown, self._records = shown, list[BatchRecord]()
        self._form: Any = None
        self._next = self._rests_until = self._looking = self._recording = 0.0
        self._look = math.inf  # the shortest; others may have been interrupted
        self._started = time.perf_counter()

    @property
    def batches(self) -> Timeline:
        """What was recorded."""
        return Timeline(self._records)

    @property
    def seconds(self) -> float:
        """How long it took itself until now."""
        return self._looking + self._recording

    def called(self, inputs: Any) -> None:
        """The model is called with these inputs: a tuple of arguments, or one with a dict of keywords behind it."""
        index, self.count = self.count, self.count + 1
        began = time.perf_counter()
        if began < self._rests_until and index >= _ALWAYS:
            return
        form = tuple([item.shape if is_array(item) else _shapes(item) for item in inputs])
        is_odd = self.odd is None and self._form is not None and form != self._form
        now = time.perf_counter()
        self._look = min(self._look, now - began)
        self._looking += now - began
        self._rests_until = now + self._look / SHARE
        if is_odd or self._form is None or self._is_due(now):
            self.record(index, inputs, is_odd=is_odd)
            self._form = form if self._form is None else self._form
            self._next = time.perf_counter() + SECONDS
            self._recording += time.perf_counter() - now

    def _is_due(self, now: float) -> bool:
        has_rested = now >= self._next and self._recording <= SHARE * (now - self._started)
        return has_rested and len(self._records) < _MOST

    def record(self, index: int, inputs: Any, *, is_odd: bool) -> None:
        """Keep the shapes of a call, and show them."""
        given = inputs[0] if len(inputs) == 1 else inputs
        record = BatchRecord(index, size_of(given), parts(given, None))
        self._records.append(record)
        self.odd = record if is_odd else self.odd
        with contextlib.suppress(Exception):  # a loop does not end because it cannot be shown
            self._shown(self)


def _shapes(value: Any) -> tuple[Any, ...]:
    return tuple([array.shape for _, array in named_arrays(value)])
