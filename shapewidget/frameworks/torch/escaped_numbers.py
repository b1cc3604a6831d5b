"""Numbers that left torch, were computed with under a name, and came back: ``n = int(x.sum())`` and ``y[: n // 2]``."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

from shapewidget.frameworks.source.frames import Capture
from shapewidget.frameworks.source.numbers import number_made, numbers_read
from shapewidget.frameworks.torch.nodes import Node
from shapewidget.frameworks.torch.provenance import Slot


class Leaving(NamedTuple):
    """A tensor that was turned into a number or a list.

    Attributes:
        line: Where.
        slot: The node that the tensor comes from.
        place: How many nodes there were by then.
    """

    line: Capture
    slot: Slot
    place: int


def add_escaped(nodes: Sequence[Node], leavings: Sequence[Leaving]) -> None:
    """Note which functions read a number that left torch before, or one that was computed of it."""
    made, read = functools.cache(number_made), functools.cache(numbers_read)
    named = [(made(leaving.line), leaving) for leaving in leavings]
    named = [(name, leaving) for name, leaving in named if name is not None]
    codes = {leaving.line[0] for _, leaving in named}
    for place, node in enumerate(nodes):
        if node.line is None or not node.settings or node.line[0] not in codes:
            continue
        names = read(node.line)
        last = {
            leaving.line: leaving.slot
            for name, leaving in named
            if name in names and leaving.line[0] is node.line[0] and leaving.place <= place
        }
        node.escaped = tuple(dict.fromkeys((*node.escaped, *last.values())))
