"""How the axes of one tensor have to be put so that it meets another: by what they mean, not by their sizes alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from shapewidget.graph.dims import constant
from shapewidget.graph.steps import WHOLE, Dims, Step, Steps, dims_after, index

_ONE = constant(1)
_MOST_MISSING = 3


def rearranged(dims: Dims, rank: int, fits: Callable[[Dims], bool]) -> Iterator[Steps]:
    """Steps after which a tensor fits, the plainest first.

    Args:
        dims: Its axes.
        rank: The number of axes of the tensor that it has to meet.
        fits: Whether axes are as wanted.
    """
    for variants in ([((), dims)], _squeezed(dims), _swapped(dims)):
        for steps, made in variants:
            if steps and fits(made):
                yield steps
            for inserted in _with_single_axes(made, rank):
                after = dims_after(inserted, made)
                if after is not None and fits(after):
                    yield (*steps, inserted)


def _squeezed(dims: Dims) -> list[tuple[Steps, Dims]]:
    singles = [axis for axis, dim in enumerate(dims) if dim == _ONE]
    return [(((Step("squeeze", (axis,)),)), (*dims[:axis], *dims[axis + 1 :])) for axis in singles]


def _swapped(dims: Dims) -> list[tuple[Steps, Dims]]:
    pairs = sorted(itertools.combinations(range(len(dims)), 2), key=lambda pair: pair[1] - pair[0])
    found: list[tuple[Steps, Dims]] = []
    for pair in pairs:
        step = Step("transpose", pair)
        made = dims_after(step, dims)
        if made is not None and made != dims:
            found.append(((step,), made))
    if len(dims) > 2:
        last = len(dims) - 1
        for order in ((0, last, *range(1, last)), (0, *range(2, last + 1), 1)):
            step = Step("permute", order)
            found.append(((step,), tuple(dims[axis] for axis in order)))
    return found


def _with_single_axes(dims: Dims, rank: int) -> Iterator[Step]:
    """New axes of size 1 until there are as many as the other tensor has; further back is likelier for the own ones."""
    missing = rank - len(dims)
    if not 0 < missing <= _MOST_MISSING or not dims:
        return
    for places in itertools.combinations(range(rank), len(dims)):
        if not places[0]:
            places = (0, *sorted(rank - place for place in places[1:]))
        items = [WHOLE if place in places else None for place in range(rank)]
        while items[-1] == WHOLE:
            items.pop()
        yield index(*items)


def broadcasts_into(wanted: Dims) -> Callable[[Dims], bool]:
    """Whether axes meet `wanted` axis by axis from the last, and add nothing to the larger of the two."""

    def fits(dims: Dims) -> bool:
        longer, shorter = (wanted, dims) if len(wanted) >= len(dims) else (dims, wanted)
        pairs = list(zip(longer[::-1], shorter[::-1], strict=False))
        if not all(one == other or _ONE in (one, other) for one, other in pairs):
            return False
        if all(one == other or other == _ONE for one, other in pairs):
            return True
        is_shorter_the_larger = all(dim == _ONE for dim in longer[: len(longer) - len(shorter)])
        return is_shorter_the_larger and all(one == other or one == _ONE for one, other in pairs)

    return fits


def joins(wanted: Dims, along: int) -> Callable[[Dims], bool]:
    """Whether axes can be joined to `wanted` along one axis."""
    return lambda dims: (
        len(dims) == len(wanted)
        and all(one == other for axis, (one, other) in enumerate(zip(dims, wanted, strict=True)) if axis != along)
    )


def multiplies(left: Dims) -> Callable[[Dims], bool]:
    """Whether a matrix of these axes can stand behind one of the axes `left` in a product."""

    def fits(right: Dims) -> bool:
        if len(right) < 2 or right[-2] != left[-1]:
            return False
        pairs = zip(left[-3::-1], right[-3::-1], strict=False)
        return all(one == other or _ONE in (one, other) for one, other in pairs)

    return fits
