"""One pass over a loader: what it gave, and the few batches that are worth trying on a model."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shapewidget.errors import ShapeWidgetError
from shapewidget.frameworks.loading import Reading
from shapewidget.frameworks.nesting import parts, size_of, split
from shapewidget.frameworks.padding import padding_share
from shapewidget.frameworks.registry import reading_of
from shapewidget.frameworks.windows import TargetSearch
from shapewidget.graph.batches import BatchRecord, Failure, TargetStep
from shapewidget.probing.patience import NoBatchError, Patience
from shapewidget.probing.progress import Progress

Split = Callable[[Any], tuple[Any, Any]]

ENDLESS = 100
"""How many batches are read of a loader that does not say how many it has, and beyond what one says."""
PATIENCE = 60.0
"""How many seconds one batch may take."""
_PADDED = 64
"""Of how many batches the padding is counted."""
_SEARCHED = 8
"""In how many batches the targets are looked for in the inputs."""


@dataclass
class _Run:
    """Batches of one form in a row. Most of a pass is one such run: a record of each would cost more than the check.

    Attributes:
        first: The first of them.
        count: How many there are.
    """

    first: BatchRecord
    count: int = 1

    def records(self, paddings: Mapping[int, float]) -> Iterator[BatchRecord]:
        """A record of each."""
        first = self.first
        for index in range(first.index, first.index + self.count):
            yield BatchRecord(index, first.size, first.parts, paddings.get(index))


@dataclass
class Pass:
    """One pass over a loader, or its first part.

    Attributes:
        reading: How the loader is gone through.
        split: Gives inputs and targets of a batch.
        count: How many batches were noted.
        is_complete: Whether it came to its end by itself.
        failure: The error that ended it.
        left_out: The samples that drop_last leaves out, as a batch.
        target_step: The step of the inputs that every target is.
        notes: Why it was not read to its end.
    """

    reading: Reading
    split: Split
    count: int = 0
    is_complete: bool = False
    failure: Failure | None = None
    left_out: Any | None = None
    target_step: TargetStep | None = None
    notes: tuple[str, ...] = ()
    _runs: list[_Run] = field(default_factory=list, repr=False)
    _records: list[BatchRecord] = field(default_factory=list, repr=False)
    _paddings: dict[int, float] = field(default_factory=dict, repr=False)
    _kept: dict[str, tuple[int, Any]] = field(default_factory=dict, repr=False)
    _extremes: dict[str, tuple[int, int]] = field(default_factory=dict, repr=False)
    _form: tuple[Any, ...] | None = field(default=None, repr=False)

    @property
    def batches(self) -> list[BatchRecord]:
        """What it gave; the last batch too where only the first ones were read."""
        if len(self._records) != self.count:
            self._records = [record for run in self._runs for record in run.records(self._paddings)]
        return self._records

    @property
    def kept(self) -> dict[int, Any]:
        """The first batch, the smallest, the largest and the last, by their index."""
        return dict(sorted(self._kept.values(), key=lambda it: it[0]))

    @property
    def first(self) -> Any | None:
        """The first batch; None where there is none."""
        return self._kept["first"][1] if "first" in self._kept else None

    @property
    def drawn(self) -> int | None:
        """How many samples the first batch is made of; None where that is not known."""
        settings = self.reading.settings
        if settings.samples is None or settings.batch_size is None or settings.has_own_batches:
            return None
        return min(settings.samples, settings.batch_size)

    def add(self, batch: Any, index: int) -> None:
        """Note one more batch, and keep it if it is worth trying."""
        self._kept["last"] = (index, batch)
        self._note_padding(batch, index)
        form, run = _form(batch), self._runs[-1] if self._runs else None
        if run is not None and form is not None and form == self._form and index == run.first.index + run.count:
            run.count += 1
            self.count += 1
            return
        self._form = form
        record = BatchRecord(index, size_of(batch), parts(*self.split(batch)))
        self._runs.append(_Run(record))
        self.count += 1
        self._kept.setdefault("first", (index, batch))
        bulk = record.size or 0, sum(math.prod(part.spec.shape) for part in record.inputs)
        for name, is_beyond in (("smallest", bulk < self._extremes.get("smallest", (bulk[0] + 1, 0))),
                                ("largest", bulk > self._extremes.get("largest", (-1, 0)))):  # fmt: skip
            if is_beyond:
                self._kept[name], self._extremes[name] = (index, batch), bulk

    def _note_padding(self, batch: Any, index: int) -> None:
        """Note the share of padding, of some batches spread over the pass."""
        stride = max((self.reading.settings.batches or 0) // _PADDED, 1)
        if index % stride == 0 and index // stride < 2 * _PADDED:
            share = padding_share(self.split(batch)[0])
            if share is not None:
                self._paddings[index] = share


def _form(batch: Any) -> tuple[Any, ...] | None:
    """What is equal for two batches of one form, and cheap to tell; None for a batch that is no row of arrays."""
    items = batch if type(batch) in (tuple, list) else (batch,)
    try:
        return (type(batch), *[(item.shape, item.dtype, getattr(item, "device", None)) for item in items])
    except AttributeError:
        return None


def read(
    loader: Any,
    split: Split = split,
    *,
    limit: int | None = None,
    seconds: float | None = None,
    patience: float = PATIENCE,
) -> Pass:
    """Go through a loader once, leaving it as found.

    Args:
        loader: Anything that gives batches.
        split: Gives inputs and targets of a batch.
        limit: After how many batches to stop; by default where it ends, or after `ENDLESS` if it has no length.
        seconds: After how long to stop.
        patience: How many seconds one batch may take.

    Raises:
        InputError: It cannot be gone through, or only once.
    """
    reading = reading_of(loader)
    total = reading.settings.batches
    found = Pass(reading, split, notes=reading.notes)
    with reading.untouched():
        try:
            _go(found, limit if limit is not None else (total or 0) + ENDLESS, seconds, Patience(patience))
        except ShapeWidgetError:
            raise
        except NoBatchError as error:
            found.failure = Failure(found.count, "__next__", str(error), is_blocked=True)
        except Exception as error:
            found.failure = reading.failure(found.count, error)
    found.is_complete = found.is_complete or (found.count == total and found.failure is None)
    if not found.is_complete and found.failure is None:
        count = f"{total:,}" if total is not None else "its"
        found.notes += (f"Only the first {found.count:,} of {count} batches were read.",)
    with reading.untouched(), contextlib.suppress(Exception):  # samples that nobody asks for may raise
        _add_remainder(found)
    return found


def _go(found: Pass, most: int, seconds: float | None, patience: Patience) -> None:
    settings = found.reading.settings
    batches: Iterator[Any] = found.reading.batches()
    search, started, progress = TargetSearch(), time.monotonic(), Progress(settings.title, settings.batches)
    try:
        with patience.watching():
            while found.count < most:
                if seconds is not None and found.count and time.monotonic() - started > seconds:
                    return
                try:
                    batch = patience.next(batches)
                except StopIteration:
                    found.is_complete = True
                    return
                found.add(batch, found.count)
                progress.advance()
                if found.count <= _SEARCHED:
                    search.add(*found.split(batch))
    finally:
        progress.close()
        found.target_step = search.found
        if hasattr(batches, "close"):
            batches.close()


def _add_remainder(found: Pass) -> None:
    """The last batch of a loader that was read in part, and what drop_last leaves out of one."""
    settings = found.reading.settings
    if found.failure is not None or (found.is_complete and not settings.drop_last):
        return
    rest = found.reading.remainder()
    if settings.drop_last:
        found.left_out = rest
    elif rest is not None and settings.batches is not None:
        found.add(rest, settings.batches - 1)
