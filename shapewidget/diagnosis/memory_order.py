"""What a reshape does to the axes: it renames positions in memory and moves nothing.

An axis keeps its meaning through a reshape only where it still lies at the same distance in memory, which is the number
of values that one step along it skips.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections import Counter
from collections.abc import Sequence

from shapewidget.graph.dims import Dim

_PRIMES = (1009, 2003, 3001, 4001, 5003, 6007, 7001, 8009, 9001, 10007, 11003, 12007)

Axes = Sequence[Dim]


def moved_axis(given: Axes, made: Axes) -> tuple[int, int] | None:
    """An axis that keeps its name and not its place in memory: its positions before and after; None if all are kept.

    Args:
        given: The dims of the tensor that is reshaped.
        made: The dims that it is reshaped to.
    """
    names = sorted({name for dim in (*given, *made) for name in dim.names})
    if not all(dim.known for dim in (*given, *made)) or len(names) > len(_PRIMES):
        return None
    sizes = dict(zip(names, _PRIMES, strict=False))
    before, after = [dim.at(sizes) or 0 for dim in given], [dim.at(sizes) or 0 for dim in made]
    if math.prod(before) != math.prod(after):
        return None
    is_in_order = keeps_order(before, after)
    for place, dim in enumerate(given):
        if dim.is_constant and is_in_order:
            continue  # another axis has that number now: windows of 2 x 2 in 4 rows of them
        alike = [other for other, each in enumerate(given) if each == dim]
        if dim.is_constant and len(alike) == 1 and not _is_moved_whole(dim, before, after):
            continue
        is_one = _uses(dim, given) == 1 or (dim.is_constant and _merges_without(dim.offset, before, after))
        if before[place] == 1 or not is_one or _uses(dim, made) != 1 or dim not in made:
            continue
        found = list(made).index(dim)
        if all(math.prod(before[other + 1 :]) != math.prod(after[found + 1 :]) for other in alike):
            return place, found
    return None


def _merges_without(size: int, before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether one axis of a size is left, and the others are merged as they follow: any of two of that size is it."""
    one, other = ([size for size in axes if size != 1] for axes in (before, after))
    if size not in one or size not in other or len(one) <= len(other):
        return False
    one.remove(size)
    other.remove(size)
    return _merges(one, other)


def _is_moved_whole(dim: Dim, before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether a constant size is an axis that was moved, and not a number that comes up twice.

    It is where the other axes are the same ones on both sides, in another order, or merged or split as they follow.
    """
    if Counter(size for size in before if size != 1) == Counter(size for size in after if size != 1):
        return True
    one, other = ([size for size in axes if size not in (1, dim.offset)] for axes in (before, after))
    return len(one) != len(other) and min(len(one), len(other)) > 1 and (_merges(one, other) or _merges(other, one))


def _merges(many: Sequence[int], few: Sequence[int]) -> bool:
    """Whether each of a few axes is one of many, or several of them that follow one another."""
    ends = list(itertools.accumulate(many, operator.mul))
    return all(end in ends for end in itertools.accumulate(few, operator.mul)) and math.prod(many) == math.prod(few)


def keeps_order(before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether each axis is one of before, cut in parts or merged with its neighbours, as they follow in memory."""
    ends = [list(itertools.accumulate(axes, operator.mul)) for axes in (before, after)]
    common, start = sorted(set(ends[0]) & set(ends[1])), 0
    for end in common:
        if all(sum(start < each <= end for each in own) > 1 for own in ends):
            return False
        start = end
    return math.prod(before) == math.prod(after)


def _uses(dim: Dim, axes: Axes) -> int:
    """How many axes depend on what a dim depends on: of two that do, nobody can say which is which."""
    return sum(bool(dim.names & axis.names) if dim.names else dim == axis for axis in axes)


def order_that_keeps(given: Axes, made: Axes) -> tuple[int, ...] | None:
    """The order in which to permute the given axes, so that a reshape to the others keeps every one of them.

    None where no order does, as when an axis has to be split first.
    """
    orders = itertools.permutations(range(len(given)))
    kept = [order for order in orders if moved_axis([given[axis] for axis in order], made) is None]
    plain = [order for order in kept if order != tuple(range(len(given)))]
    return min(plain, key=lambda order: _disorder(order, given), default=None)


def order_to_reach(given: Axes, made: Axes) -> tuple[int, ...] | None:
    """The order of the axes made in which a reshape gives them whole; they have to be permuted back behind it."""
    orders = itertools.permutations(range(len(made)))
    kept = [order for order in orders if moved_axis(given, [made[axis] for axis in order]) is None]
    plain = [order for order in kept if order != tuple(range(len(made)))]
    return min(plain, key=lambda order: _disorder(order, made), default=None)


def _disorder(order: tuple[int, ...], axes: Axes) -> tuple[int, int, tuple[int, ...]]:
    """How much an order changes; axes of one size, such as height and width, should above all stay as they follow."""
    pairs = itertools.combinations(order, 2)
    swapped = sum(one > other and axes[one] == axes[other] for one, other in pairs)
    return swapped, sum(place != axis for place, axis in enumerate(order)), order


def transposition(order: tuple[int, ...]) -> str:
    """'transpose(0, 1)' where two axes change places, else 'permute(0, 3, 1, 2)'."""
    changed = [place for place, axis in enumerate(order) if place != axis]
    if len(changed) == 2:
        return f"transpose({changed[0]}, {changed[1]})"
    return f"permute({', '.join(map(str, order))})"


def inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    """The order that undoes an order."""
    return tuple(order.index(axis) for axis in range(len(order)))
