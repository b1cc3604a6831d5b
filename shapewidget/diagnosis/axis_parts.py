"""What an axis is made of: whole axes of earlier tensors or pieces of them, and how a reshape cuts and joins them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What the values along an axis are."""

    BATCH = "samples"
    POSITIONS = "positions"
    FEATURES = "features"


@dataclass(frozen=True, slots=True)
class Part:
    """An axis as the node that made it left it, or a piece of it. Two are the same where they come from one place.

    Attributes:
        by: Id of the node that made the axis.
        output: Which of its outputs holds it.
        axis: Which axis of that.
        piece: Where the axis was cut since: the node that cut it, and which of the pieces; empty of a whole axis.
        role: What it holds, where that is known.
        size: How many values it has now, as a slice may have left some out.
    """

    by: str
    output: int
    axis: int
    piece: tuple[str, int] = ("", 0)
    role: Role | None = field(default=None, compare=False)
    size: int = field(default=1, compare=False)

    @property
    def is_whole(self) -> bool:
        """Whether it is an axis that no reshape has cut."""
        return not self.piece[0]


Axis = tuple[Part, ...]
"""The parts of an axis, the slowest first; none where nothing is known of it."""

Axes = tuple[Axis, ...]


def roles(axis: Axis) -> set[Role | None]:
    """What the parts of an axis hold."""
    return {part.role for part in axis}


def is_all(axis: Axis, role: Role) -> bool:
    """Whether all that is in an axis is of one role."""
    return roles(axis) == {role}


@dataclass(frozen=True)
class Reshaped:
    """What a reshape did.

    Attributes:
        axes: The axes that it made.
        torn: Groups of axes that it cut at places which lie inside one another's axes, as (given, made).
    """

    axes: Axes
    torn: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = ()


def reshaped(axes: Sequence[Axis], given: Sequence[int], made: Sequence[int], by: str) -> Reshaped:
    """The axes behind a reshape: what is merged lies side by side, what is cut becomes pieces.

    Both shapes are read from the last axis. Where every place at which either is cut divides the next, all axes are
    made of whole pieces; a group of axes that cannot be cut so is torn, and nothing is known of what is made of it.
    """
    if 0 in given or math.prod(given) != math.prod(made):
        return Reshaped(((),) * len(made))
    units = _units(axes, given)
    before, after = (list(_ends(sizes)) for sizes in ([size for size, _, _ in units], made))
    result: list[Axis] = [()] * len(made)
    torn = []
    shared = sorted(set(before) & set(after))
    for low, high in itertools.pairwise([1, *shared]):
        inside = [units[-1 - place] for place, end in enumerate(before) if low < end <= high]
        targets = [len(made) - 1 - place for place, end in enumerate(after) if low < end <= high]
        cuts = sorted({low, *(end for end in (*before, *after) if low < end <= high)})
        if any(larger % smaller for smaller, larger in itertools.pairwise(cuts)):
            if len(targets) > 1:
                torn.append((tuple(sorted({axis for _, _, axis in inside})), tuple(sorted(targets))))
            continue
        for target in targets:
            end = math.prod(made[target:])
            result[target] = _pieces(units, before, end // made[target], end, cuts, by)
    return Reshaped(tuple(result), tuple(torn))


_Unit = tuple[int, Part | None, int]
"""Size, part, and the axis of the tensor that it is in."""


def _units(axes: Sequence[Axis], given: Sequence[int]) -> list[_Unit]:
    """The parts of all axes in a row, an axis that is not known as one; without those of size 1."""
    found: list[_Unit] = []
    for place, (axis, size) in enumerate(zip(axes, given, strict=True)):
        if axis and math.prod(part.size for part in axis) == size:
            found += [(part.size, part, place) for part in axis]
        else:
            found.append((size, axis[0] if len(axis) == 1 else None, place))
    return [unit for unit in found if unit[0] > 1]


def _ends(sizes: Sequence[int]) -> Iterable[int]:
    """How many values lie in an axis and all behind it, the last axis first."""
    return itertools.accumulate(reversed(sizes), lambda one, other: one * other)


def _pieces(units: list[_Unit], ends: list[int], low: int, high: int, cuts: list[int], by: str) -> Axis:
    """What lies between two places in memory, the slowest first."""
    found: list[Part] = []
    for (size, part, _), end in zip(reversed(units), ends, strict=True):
        begin = end // size
        if begin >= high or end <= low:
            continue
        if part is None:
            return ()
        inner = [cut for cut in cuts if begin <= cut <= end]
        if len(inner) == 2 and low <= begin and end <= high:
            found.append(part)
            continue
        for number, (one, other) in enumerate(itertools.pairwise(inner)):
            if low <= one and other <= high:
                found.append(Part(part.by, part.output, part.axis, (by, number), part.role, other // one))
    return tuple(reversed(found))
