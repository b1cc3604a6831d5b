"""Which inputs are sequences that were filled up with zeros to one length."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from shapewidget.frameworks.nesting import named_arrays, numeric
from shapewidget.graph.batches import is_sequence
from shapewidget.graph.padding import Padding

_ROWS = 256
"""How many samples are looked at."""


def paddings(inputs: Any, axes: Sequence[Sequence[str]]) -> tuple[Padding, ...]:
    """The inputs that have zeros behind some of their sequences, and nowhere else.

    Args:
        inputs: Arrays in any nesting.
        axes: The names of the axes of each of them.
    """
    arrays = [array for _, array in named_arrays(inputs)]
    return tuple(_found(arrays, axes)) if len(arrays) == len(axes) else ()


def padding_share(inputs: Any) -> float | None:
    """Which share of the steps of the first sequence among the inputs is padding; None where there is none."""
    for _, array in named_arrays(inputs):
        rank = len(array.shape)
        if not is_sequence(rank, str(array.dtype)):
            continue
        with contextlib.suppress(TypeError, ValueError, RuntimeError):
            empty = numeric(array)[:_ROWS] == 0
            rows = (empty if rank == 2 else empty.all(-1)).tolist()
            steps = sum(map(len, rows))
            return 1 - sum(map(_length, rows)) / steps if steps else None
    return None


def _found(arrays: Sequence[Any], axes: Sequence[Sequence[str]]) -> Iterator[Padding]:
    for place, (array, names) in enumerate(zip(arrays, axes, strict=True)):
        if tuple(names[:2]) != ("B", "T") or len(names) > 3:
            continue
        with contextlib.suppress(TypeError, ValueError, RuntimeError):  # what cannot be compared has no zeros
            empty = array[:_ROWS] == 0
            lengths = _lengths((empty if len(names) == 2 else empty.all(-1)).tolist())
            if lengths is not None:
                steps = int(array.shape[1])
                yield Padding(place, steps, min(lengths), sum(length < steps for length in lengths))


def _lengths(empty: list[list[bool]]) -> list[int] | None:
    """How long every sequence is; None where zeros stand elsewhere too, or are too few to be padding."""
    lengths = [_length(row) for row in empty]
    if any(any(row[:length]) for row, length in zip(empty, lengths, strict=True)):
        return None
    steps = len(empty[0]) if empty else 0
    return lengths if lengths and 0 < min(lengths) <= steps - 2 else None


def _length(row: list[bool]) -> int:
    behind = next((count for count, is_empty in enumerate(reversed(row)) if not is_empty), len(row))
    return len(row) - behind
