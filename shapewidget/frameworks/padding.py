"""Which inputs are sequences that were filled up with zeros to one length."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from shapewidget.frameworks.nesting import named_arrays, numeric
from shapewidget.graph.batches import is_sequence
from shapewidget.graph.padding import LengthsAs, Padding

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


def told_lengths(inputs: Any, axes: Sequence[Sequence[str]]) -> dict[int, LengthsAs]:
    """The inputs that say how long the sequences of another input are, as their values show, and in which form.

    Whole numbers of which there is one a sample say so where they lie between 1 and the number of steps, and the
    largest is that number, as what is filled up is as long as its longest; or they fall from sample to sample, as they
    are sorted to be packed; or zeros stand behind as many steps. A mask is ones with zeros behind.

    Args:
        inputs: Arrays in any nesting.
        axes: The names of the axes of each of them.
    """
    arrays = [array for _, array in named_arrays(inputs)]
    if len(arrays) != len(axes):
        return {}
    sequences = {place for place, names in enumerate(axes) if tuple(names[:2]) == ("B", "T") and len(names) <= 3}
    found: dict[int, LengthsAs] = {}
    for place, (array, names) in enumerate(zip(arrays, axes, strict=True)):
        others = [arrays[other] for other in sequences - {place}]
        with contextlib.suppress(TypeError, ValueError, RuntimeError):
            values = numeric(array)[:_ROWS].tolist() if tuple(names) in (("B",), ("B", "T")) and others else []
            is_whole = "int" in str(array.dtype)
            if values and len(names) == 1 and is_whole and any(_are_lengths(values, each) for each in others):
                found[place] = LengthsAs.NUMBERS
            elif values and len(names) == 2 and _is_mask(values):
                found[place] = LengthsAs.MASK
    return found


def _are_lengths(values: list[int], sequences: Any) -> bool:
    """Whether whole numbers may be how many steps of each sequence are its own."""
    steps = int(sequences.shape[1])
    if min(values) < 1 or max(values) > steps:
        return False
    fall = values == sorted(values, reverse=True) and len(set(values)) > 2
    return fall or max(values) == steps or values == _lengths(_empty(sequences))


def _empty(sequences: Any) -> list[list[bool]]:
    """Which steps of every sequence hold zeros only."""
    empty = numeric(sequences)[:_ROWS] == 0
    rows: list[list[bool]] = (empty if len(sequences.shape) == 2 else empty.all(-1)).tolist()
    return rows


def _is_mask(rows: list[list[float]]) -> bool:
    """Whether every row is ones with zeros behind, and not all are ones."""
    lengths = [int(sum(row)) for row in rows]
    are_in_front = all([*map(int, row)] == [1] * n + [0] * (len(row) - n) for row, n in zip(rows, lengths, strict=True))
    return are_in_front and 0 < min(lengths) < max(lengths)


def padding_share(inputs: Any) -> float | None:
    """Which share of the steps of the first sequence among the inputs is padding; None where there is none."""
    for _, array in named_arrays(inputs):
        rank = len(array.shape)
        if not is_sequence(rank, str(array.dtype)):
            continue
        with contextlib.suppress(TypeError, ValueError, RuntimeError):
            rows = _empty(array)
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
