"""Which labels of a batch only fill it up, told by the lengths of the samples that it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shapewidget.frameworks.nesting import is_array, numeric
from shapewidget.graph.padding import PaddedLabels

_MOST_CUT = 2
"""How many labels a collate function may take off each sample: the first, where the next one is foretold."""


def padded_labels(samples: Sequence[Any], targets: Any) -> PaddedLabels | None:
    """The padding of the targets of a batch; None unless all of them stand behind sequences of different length.

    Args:
        samples: What the batch was made of, in order.
        targets: Its labels, (samples, steps).
    """
    if not is_array(targets) or len(targets.shape) != 2 or "int" not in str(targets.dtype):
        return None
    rows = numeric(targets).tolist()
    fields = [list(_lengths(sample)) for sample in samples]
    if len(rows) != len(samples) or len({len(each) for each in fields}) != 1:
        return None
    found = (_filled(rows, lengths) for lengths in zip(*fields, strict=True))
    return next((each for each in found if each is not None), None)


def _filled(rows: Sequence[Sequence[int]], lengths: Sequence[int]) -> PaddedLabels | None:
    steps = len(rows[0])
    cut = max(0, max(lengths) - steps)
    own = tuple(length - cut for length in lengths)
    if len(set(own)) < 2 or min(own) < 1 or cut > _MOST_CUT:
        return None
    filling = {value for row, length in zip(rows, own, strict=True) for value in row[length:]}
    if len(filling) != 1:
        return None
    value = filling.pop()
    is_class = any(value in row[:length] for row, length in zip(rows, own, strict=True))
    return PaddedLabels(value, own, steps, is_class)


def _lengths(sample: Any) -> Iterator[int]:
    """The length of every sequence of numbers in a sample."""
    if isinstance(sample, Mapping):
        sample = tuple(sample.values())
    for field in sample if isinstance(sample, tuple | list) else (sample,):
        if is_array(field) and len(field.shape) == 1:
            yield int(field.shape[0])
        elif isinstance(field, list) and field and all(isinstance(each, int) for each in field):
            yield len(field)
