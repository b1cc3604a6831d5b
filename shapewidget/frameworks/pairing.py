"""Whether the labels of a batch are those of its samples, told by rows alone: what they mean is not known."""

from __future__ import annotations

import contextlib
import struct
from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import Any

from shapewidget.frameworks.nesting import is_array, numeric
from shapewidget.graph.batches import Misnumbered, Renumbered, RowsApart

Rows = list[bytes]
"""One key for each sample; samples that are equal have equal keys."""


def rows_of(value: Any, count: int | None = None) -> Rows | None:
    """The rows of an array, of whatever kind of number; None where it is no array of so many rows."""
    if not is_array(value) or not len(value.shape) or (count is not None and int(value.shape[0]) != count):
        return None
    with contextlib.suppress(Exception):  # an array that NumPy does not know
        array = numeric(value)
        array = array.detach().cpu().numpy() if hasattr(array, "detach") else array
        return [row.tobytes() for row in array.astype("float32")]
    return None


def apart(before: tuple[Rows, Rows], after: tuple[Rows, Rows]) -> int:
    """How many rows have got the partner of another one, where both sides hold the rows that they held before."""
    if any(Counter(one) != Counter(other) for one, other in zip(before, after, strict=True)):
        return 0
    return (Counter(zip(*after, strict=True)) - Counter(zip(*before, strict=True))).total()


def order_matters(one: Sequence[Any], other: Sequence[Any], fixed: Sequence[Any], step: str) -> RowsApart | None:
    """What a function makes of samples, compared with what it makes of them in another order.

    Args:
        one: The arrays of a batch.
        other: Those of the same samples, given in another order.
        fixed: Those of other samples: what is equal in them is no sample's.
        step: Name of the function.
    """
    sizes = {int(array.shape[0]) for array in one if len(array.shape)}
    count = sizes.pop() if len(sizes) == 1 and len(one) == len(other) else 0
    if count < 2:
        return None
    still = [rows_of(array) for array in fixed] if len(fixed) == len(one) else [None] * len(one)
    found: list[tuple[Rows, Rows]] = []
    for first, second, same in zip(one, other, still, strict=True):
        before, after = rows_of(first, count), rows_of(second, count)
        if before is not None and after is not None and before != same and not _counts(before):
            found.append((before, after))
    bags = [Counter(before) for before, _ in found]
    own = [rows for rows, bag in zip(found, bags, strict=True) if bags.count(bag) == 1]
    for (a, after_a), (b, after_b) in combinations(own, 2):
        parted = apart((a, b), (after_a, after_b))
        if parted:
            return RowsApart(step, count, parted)
    return None


def _counts(rows: Rows) -> bool:
    """Whether the rows are 0, 1, 2, ...: a place in the batch, and nothing of a sample."""
    return rows == [struct.pack("=f", place) for place in range(len(rows))]


def renumbered(batches: Sequence[tuple[Sequence[Hashable], Sequence[int]]], step: str) -> Renumbered | None:
    """A class that has one number in a batch and another in the next.

    Args:
        batches: Of each, the class of every sample, and the number that stands for it.
        step: Name of the function that numbers them.
    """
    known: dict[Hashable, tuple[int, int]] = {}
    changed: Renumbered | None = None
    for index, (classes, numbers) in enumerate(batches):
        seen = dict(zip(classes, numbers, strict=True))
        is_dense = set(numbers) == set(range(len(seen)))
        if any(seen[each] != number for each, number in zip(classes, numbers, strict=True)) or not is_dense:
            return None
        for each, number in seen.items():
            first, before = known.setdefault(each, (index, number))
            if before != number and changed is None:
                changed = Renumbered(step, str(each), (first, before), (index, number))
    return changed if any(len(set(classes)) < len(classes) for classes, _ in batches) else None


def misnumbered(samples: Sequence[Any], rows: Any, step: str) -> Misnumbered | None:
    """Rows of several samples in one array, numbered as if samples without a row were not there.

    Args:
        samples: What every sample has of them: an array with a row each, or None.
        rows: All of them, joined.
        step: Name of the function that joined and numbered them.
    """
    own = [numeric(each).tolist() if is_array(each) and len(each.shape) else [] for each in samples]
    joined = numeric(rows).tolist()
    filled = [place for place, each in enumerate(own) if each]
    right = [place for place in filled for _ in own[place]]
    wrong = [count for count, place in enumerate(filled) for _ in own[place]]
    if len(right) != len(joined) or right == wrong:
        return None
    held = list(zip(*(row for each in own for row in each), strict=True))
    for column, numbers in enumerate(zip(*joined, strict=True)):
        is_own = len(held) == len(joined[0]) and held[column] == numbers
        if list(numbers) == wrong and not is_own:
            place = max(range(len(right)), key=lambda each: right[each] - wrong[each])
            return Misnumbered(step, column, right[place], wrong[place], len(own) - len(filled))
    return None
