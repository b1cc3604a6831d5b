"""The named sizes of a program: what they mean, how far they can be moved, and where else to probe."""

from __future__ import annotations

import itertools
import math
import numbers
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shapewidget.errors import InputError

BATCH, TIME = "B", "T"

LARGEST = 10**8
"""A size beyond it is a slip of the keyboard."""

_PROBE_AXES = {BATCH: (3, 5), TIME: (7, 11)}

_PICTURE_STEPS = {"H": ((-2, -3), (1, 4)), "W": ((-3, -4), (2, 5))}
"""How many steps away a picture's height and width are, and where there is no room below them. No pair is parallel to
another, nor to that of any batch size."""

_LONGEST_OTHER = 10
"""From where axes that have no usual size get smaller: a second sequence length, a name of the user's own."""

_COARSEST = 32
"""What a network divides a height by, as a rule: five times by two."""

_ROOM = 5
"""Steps that fit into a height from which steps can be taken away."""

_STEPS = ((3, 7), (5, 2), (2, 9), (7, 4), (4, 11), (9, 5), (11, 3), (6, 13))
"""How many steps away two more probes are, one pair for each argument: no two pairs are parallel."""

_MOST_STEPS = max(map(max, _STEPS))

_LEAST_WIDTH = 16
"""Smaller arguments are counts, of layers or of classes."""


@dataclass(frozen=True, slots=True)
class SizeControl:
    """One slider.

    Attributes:
        name: The named size that it moves: "B", "T", "hidden".
        label: What a person calls it: "batch size".
        value: Where it stands.
        low: Smallest value on the slider.
        high: Largest value on the slider; the number box takes any.
        refusal: Why it cannot be moved, in words; empty when it can.
    """

    name: str
    label: str
    value: int
    low: int = 1
    high: int = 1
    refusal: str = ""


def whole(name: str, value: Any, expected: str, largest: int = LARGEST) -> int:
    """A size as a whole number; one of NumPy, or a float without a fraction, too.

    Args:
        name: What the size is called.
        value: What was given for it.
        expected: What an error says was expected.
        largest: The largest that is taken.

    Raises:
        InputError: It is no positive whole number, or out of all proportion.
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or int(value) != value or value < 1:
        raise InputError(f"{name} = {value!r} is no size. Expected {expected}.")
    if value > largest:
        raise InputError(
            f"{name} = {int(value):,} is larger than any size that can be run. Expected at most {largest:,}."
        )
    return int(value)


def checked(sizes: Mapping[str, object], known: Mapping[str, int]) -> dict[str, int]:
    """The sizes as whole numbers.

    Raises:
        InputError: A size is no positive whole number, or has a name that the program does not have.
    """
    for name in sizes:
        if name not in known:
            raise InputError(f"There is no size {name!r} here. Expected one of {', '.join(known) or 'none'}.")
    return {
        name: whole(name, value, f"a whole number of at least 1, such as {known[name]}", max(LARGEST, known[name]))
        for name, value in sizes.items()
    }


def other_sizes(
    axes: Mapping[str, int], arguments: Mapping[str, int], start: Mapping[str, int] | None = None
) -> list[dict[str, int]]:
    """Two more settings to probe at, whose differences to the user's are independent of one another.

    The axes of the batch get small, to cost little; arguments grow by a few steps, so that ids stay in range and heads
    keep dividing the width.

    Args:
        axes: The batch's own named sizes.
        arguments: The size arguments of the model's constructor.
        start: What arguments grow from; by default from what they are.
    """
    of_axes = _axis_sizes(axes)
    settings: list[dict[str, int]] = []
    for probe in (0, 1):
        setting = {name: of_axes[name][probe] for name in axes}
        for place, (name, value) in enumerate((start or arguments).items()):
            setting[name] = value + size_step(arguments[name], arguments) * _STEPS[place % len(_STEPS)][probe]
        settings.append(setting)
    return settings


def small_start(arguments: Mapping[str, int], largest_id: int) -> dict[str, int]:
    """From where arguments can grow to stay below what they are: a large model costs little at small sizes.

    Args:
        arguments: The size arguments of the model's constructor.
        largest_id: The largest whole number in the batch. An argument above it may count what has an id, and stays so.
    """
    start = {}
    for name, value in arguments.items():
        step = size_step(value, arguments)
        least = 0 if value <= largest_id else (largest_id // step + 1) * step
        start[name] = least if least + _MOST_STEPS * step < value else value
    return start


def doubtful(axes: Mapping[str, int]) -> list[dict[str, int]]:
    """The axes that a model may have been built for, those of a picture together: whether others are taken is asked."""
    others = [{name: size} for name, size in axes.items() if name not in (*_PROBE_AXES, *_PICTURE_STEPS)]
    picture = {name: size for name, size in axes.items() if name in _PICTURE_STEPS}
    return [picture, *others] if picture else others


def _axis_sizes(axes: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Two sizes of every axis, whose differences to the user's are parallel to those of no axis before it."""
    chosen: dict[str, tuple[int, int]] = {}
    for name, value in axes.items():
        known = [(axes[other], pair) for other, pair in chosen.items()]
        pairs = list(itertools.islice(_pairs(name, value), 100))
        chosen[name] = next((pair for pair in pairs if all(_are_apart(value, pair, *it) for it in known)), pairs[0])
    return chosen


def _pairs(name: str, value: int) -> Iterator[tuple[int, int]]:
    """Sizes that an axis may be probed at, the usual ones first."""
    if name in _PICTURE_STEPS:
        smaller, larger = _PICTURE_STEPS[name]
        step = math.gcd(value, _COARSEST, 2 ** int(math.log2(value // _ROOM))) if value >= _ROOM else 1
        one, two = larger if value < _ROOM else smaller
        yield value + one * step, value + two * step
    elif name in _PROBE_AXES:
        one, two = (size if size != value else size + 1 for size in _PROBE_AXES[name])
        yield from ((one, two + more) for more in range(3))
    else:
        smaller_ones = range(min(value - 1, _LONGEST_OTHER), 1, -1)
        yield from itertools.permutations([*smaller_ones, *range(value + 1, value + 6)], 2)


def _are_apart(value: int, pair: tuple[int, int], other: int, other_pair: tuple[int, int]) -> bool:
    """Whether two axes are changed independently of one another, and are equal in neither run."""
    (one, two), (a, b) = pair, other_pair
    return (one - value) * (b - other) != (two - value) * (a - other) and one != a and two != b


def size_step(value: int, arguments: Mapping[str, int]) -> int:
    """What a size argument has to be a multiple of, as far as can be told: the small arguments that divide it.

    They are numbers of heads, as a rule. Those may be written into the program too, where most divide 8.
    """
    usual = math.gcd(value, 8) if value >= _LEAST_WIDTH else 1
    small = (other for other in arguments.values() if other <= 32 and other < value and value % other == 0)
    return math.lcm(usual, *small)
