"""The real batches of a running training loop, as its model is called with them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from shapewidget.frameworks.nesting import is_array, named_arrays, parts, size_of
from shapewidget.graph.batches import BatchRecord
from shapewidget.probing.timeline import Timeline

SECONDS = 0.25
"""How often a batch is recorded, at most; the first one, and the first one of another form, always are."""
SHARE = 0.01
"""Which share of the loop's time recording may take."""
_MOST = 10_000


class Live:
    """Counts the calls of a model, and records a few of them each second.

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
        self._next = self._spent = 0.0
        self._started = time.perf_counter()

    @property
    def batches(self) -> Timeline:
        """What was recorded."""
        return Timeline(self._records)

    def called(self, inputs: Any) -> None:
        """The model is called with these inputs: a tuple of arguments, or one with a dict of keywords behind it."""
        index, self.count = self.count, self.count + 1
        form = tuple([item.shape if is_array(item) else _shapes(item) for item in inputs])
        is_odd = self.odd is None and self._form is not None and form != self._form
        now = time.perf_counter()
        if not is_odd and self._form is not None:
            if now < self._next or self._spent > SHARE * (now - self._started) or len(self._records) >= _MOST:
                return
        given = inputs[0] if len(inputs) == 1 else inputs
        record = BatchRecord(index, size_of(given), parts(given, None))
        self._records.append(record)
        self._form = form if self._form is None else self._form
        self.odd = record if is_odd else self.odd
        self._shown(self)
        after = time.perf_counter()
        self._spent += after - now
        self._next = after + SECONDS


def _shapes(value: Any) -> tuple[Any, ...]:
    return tuple([array.shape for _, array in named_arrays(value)])
