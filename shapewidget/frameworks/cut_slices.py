"""Batches that are slices of held arrays, cut at other rows for the labels than for the inputs, or over one another."""

from __future__ import annotations

from collections.abc import Sequence

from shapewidget.frameworks.pairing import Rows
from shapewidget.graph.batches import CutApart

_FEWEST = 3
"""Batches whose slices have to be known for certain."""

Batch = tuple[Rows, Rows]
"""The rows of the inputs and of the labels."""


def cut_apart(batches: Sequence[Batch], inputs: Rows, labels: Rows, step: str) -> CutApart | None:
    """The first batch whose labels are another slice than its inputs, or that begins among the rows of the one before.

    Labels that stand so many rows behind their inputs in every batch are to be foretold, and right.

    Args:
        batches: Those of a pass, in order.
        inputs: The held array that the inputs are cut from.
        labels: The one that stands beside it.
        step: What cuts them.
    """
    places = {row: place for place, row in enumerate(inputs)}
    begins = [places.get(rows[0], -1) if rows else -1 for rows, _ in batches]
    known = all(rows == inputs[first : first + len(rows)] for (rows, _), first in zip(batches, begins, strict=True))
    if len(batches) < _FEWEST or not known or min(begins) < 0 or len(places) < len(inputs):
        return None
    found = [_places(given, labels) for _, given in batches]
    shifts = [{place - first for place in each} for each, first in zip(found, begins, strict=True)]
    if all(found) and not set.intersection(*shifts):
        certain = [(place, *each) for place, each in enumerate(found) if len(each) == 1 and place]
        wrong = next((each for each in certain if each[1] != begins[each[0]]), None)
        if len(certain) >= _FEWEST - 1 and wrong is not None:
            place, label = wrong
            return CutApart(step, place, begins[place], label, len(batches[place][0]), len(inputs))
    return _overlapping(batches, begins, len(inputs), step)


def _places(given: Rows, held: Rows) -> list[int]:
    """The rows at which a slice may have been cut."""
    last = len(held) - len(given)
    return [place for place in range(last + 1) if given and held[place : place + len(given)] == given]


def _overlapping(batches: Sequence[Batch], begins: Sequence[int], rows: int, step: str) -> CutApart | None:
    """Batches that each hold rows of the one before, while more rows than one batch has are in none."""
    sizes = [len(each) for each, _ in batches]
    ends = [first + size for first, size in zip(begins, sizes, strict=True)]
    is_over = all(begins[place] < begins[place + 1] < ends[place] for place in range(len(batches) - 1))
    if not is_over or rows - max(ends) < sizes[0]:
        return None
    return CutApart(step, 1, begins[1], None, sizes[0], rows, max(ends))
