"""The real batches of a running training loop, as its model is called with them."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable
from typing import Any

from shapewidget.frameworks.nesting import is_array, named_arrays, parts, size_of
from shapewidget.graph.batches import BatchRecord
from shapewidget.probing.timeline import Timeline

SECONDS = 0.25
"""How often a batch is recorded, at most; the first one, and the first one of another form, always are."""
SHARE = 0.009
"""Which share of the loop's time looking at shapes may take, and which recording."""
BURST = 100
"""So many calls are looked at one after another, however short they are."""
_MOST = 10_000


class Live:
    """Counts the calls of a model, and records a few of them each second.

    It measures what it takes. Where looking at the shapes of every call takes more than its share, as in a loop whose
    steps are shorter than about 1.5 ms, it looks at a hundred calls and rests until these are within its share.

    Args:
        shown: Called after a batch was recorded.

    Attributes:
        count: How many calls of the model it was told of.
        is_every: Whether it was told of every call: it never rested.
        odd: The first batch that has other shapes than the one recorded first.
    """

    def __init__(self, shown: Callable[[Live], None] = lambda _: None) -> None:
        """No batch was seen yet."""
        self.count = 0
        self.odd: BatchRecord | None = None
        self._shown, self._records = shown, list[BatchRecord]()
        self._form: Any = None
        self._next = self._rests_until = self._looking = self._recording = 0.0
        self._burst_began, self.is_every = 0.0, True
        self._looks: list[float] = []  # of this burst; their median is told, as some are interrupted
        self._started = time.perf_counter()

    @property
    def batches(self) -> Timeline:
        """What was recorded."""
        return Timeline(self._records)

    @property
    def seconds(self) -> float:
        """How long it took itself until now."""
        return self._looking + self._recording

    def called(self, inputs: Any, told: float = 0.0) -> float:
        """The model is called with these inputs: a tuple of arguments, or one with a dict of keywords behind it.

        Args:
            inputs: What the model is called with.
            told: Seconds that it takes to tell of a call.

        Returns:
            For how many seconds no call has to be told.
        """
        index, self.count = self.count, self.count + 1
        began = time.perf_counter()
        if began < self._rests_until:
            return self._rests_until - began
        if not self._looks:
            self._burst_began = max(began, self._rests_until)
        form = tuple([item.shape if is_array(item) else _shapes(item) for item in inputs])
        is_odd = self.odd is None and self._form is not None and form != self._form
        now = time.perf_counter()
        self._looks.append(now - began)
        self._looking += now - began
        if is_odd or self._form is None or self._is_due(now):
            self.record(index, inputs, is_odd=is_odd)
            self._form = form if self._form is None else self._form
            self._next = time.perf_counter() + SECONDS
            self._recording += time.perf_counter() - now
        return self._rest(now, told)

    def _rest(self, now: float, told: float) -> float:
        """For how long to look at nothing behind a burst of calls."""
        if len(self._looks) < BURST:
            return 0.0
        rest = BURST * (statistics.median(self._looks) + told) / SHARE - (now - self._burst_began)
        self._looks.clear()
        self._rests_until = now + rest
        self.is_every = self.is_every and rest <= 0
        return max(0.0, rest)

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
