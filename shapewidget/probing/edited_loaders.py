"""Loaders whose batches come out right once one expression of the user's code is another."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from shapewidget.diagnosis.loader_evidence import LoaderEdit
from shapewidget.frameworks.nesting import is_array, size_of
from shapewidget.frameworks.registry import reading_of
from shapewidget.frameworks.source.batch_edits import BatchEdit, samples_in_front, sliced, undivided
from shapewidget.probing.passes import Pass

_MOST_BATCHES = 1_000
Taken = Callable[[Any], bool]


def edited(found: Pass, is_taken: Taken, *, is_cut_apart: bool) -> LoaderEdit | None:
    """The first edit with which there is a label for each sample, in front, or with which batches are cut evenly.

    Args:
        found: A pass over the loader as it is.
        is_taken: Whether the model takes a batch.
        is_cut_apart: Whether batches are slices that are cut at wrong rows, and may all be full.
    """
    if found.failure is not None and found.failure.is_blocked:
        return None
    with found.reading.untouched(), contextlib.suppress(Exception):  # the user's code, run as it was not written
        for edit, loader in _candidates(found, is_cut_apart=is_cut_apart):
            with contextlib.suppress(Exception):
                reading = reading_of(loader)
                if is_cut_apart and reading.mispaired() is not None:
                    continue
                if _is_right(found, loader) and is_taken(next(iter(reading.batches()))):
                    fix = " ".join(line.strip() for line in edit.edit.after)
                    return LoaderEdit(fix, edit.edit.diff(), edit.line)
    return None


def _candidates(found: Pass, *, is_cut_apart: bool) -> Iterator[tuple[BatchEdit, Any]]:
    counts = _counts(found, found.first) if found.first is not None else None
    factor = max(counts) // min(counts) if counts is not None and min(counts) else 0
    size = _size_text(found)
    is_uneven = is_cut_apart or (size is not None and _is_cut_unevenly(found))
    is_behind = counts is not None and found.drawn not in (None, counts[0])
    for function, remade in found.reading.makers() if is_behind else ():
        for edit in samples_in_front(function):
            yield edit, remade(edit.function)
    for function, remade in found.reading.makers() if factor > 1 or is_uneven else ():
        edits = (
            undivided(function, factor)
            if factor > 1
            else sliced(function, size or str(found.reading.settings.batch_size))
        )
        for edit in edits:
            yield edit, remade(edit.function)


def _counts(found: Pass, batch: Any) -> tuple[int, int] | None:
    """How many samples and labels a batch has."""
    inputs, targets = found.split(batch)
    samples = size_of(inputs)
    return (samples, int(targets.shape[0])) if samples and is_array(targets) and len(targets.shape) else None


def _is_cut_unevenly(found: Pass) -> bool:
    """Whether the batches of a pass that should be full are not."""
    sizes, settings = [batch.size for batch in found.batches], found.reading.settings
    if found.failure is None:
        sizes = sizes[:-1] + sizes[:1] if found.is_complete else []
    return any(size != settings.batch_size for size in sizes)


def _size_text(found: Pass) -> str | None:
    """The attribute that holds the size of a batch, as the loader's own methods write it."""
    loader, size = found.reading.loader, found.reading.settings.batch_size
    values = vars(loader) if size is not None and found.reading.settings.rows and hasattr(loader, "__dict__") else {}
    return next((f"self.{name}" for name, value in values.items() if type(value) is int and value == size), None)


def _is_right(found: Pass, loader: Any) -> bool:
    """Whether a loader gives as many labels as samples, and no sample twice or never where that is known."""
    settings = found.reading.settings
    sizes: list[int] = []
    most = 2 if not settings.rows else _MOST_BATCHES
    for batch in islice(reading_of(loader).batches(), most):
        samples, labels = _counts(found, batch) or (0, 1)
        if samples != labels or (not sizes and found.drawn not in (None, samples)):
            return False
        sizes.append(samples)
    is_even = len(set(sizes[:-1])) < 2 and bool(sizes) and sizes[-1] <= sizes[0]
    return is_even and (not settings.rows or settings.rows - sum(sizes) < sizes[0])
