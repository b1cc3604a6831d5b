"""What a mask marks: the steps that hold data, those that fill a sequence up, or those on one side of each step."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shapewidget.graph.records import LayerGraph

_ATTENTION = frozenset(("MultiheadAttention", "scaled_dot_product_attention"))
_SOFTMAX = frozenset(("softmax", "Softmax"))


class Marked(StrEnum):
    """Which positions a mask is on at."""

    PADDING = "padding"
    """Those that hold one and the same value in every sequence, while the others differ."""
    DATA = "data"
    """All but those."""
    EARLIER = "earlier"
    """The steps before each step."""
    LATER = "later"
    """The steps behind each step."""


@dataclass(frozen=True, slots=True)
class Mask:
    """What a tensor of two values was on at, in the user's own run.

    Attributes:
        marked: Which positions.
        count: How many positions; of a triangle, how many steps it has.
        of: How many positions there are.
        is_additive: Whether it is added to scores: on where it holds a large negative number, and else 0.
    """

    marked: Marked
    count: int
    of: int
    is_additive: bool = False


def attends(graph: LayerGraph) -> bool:
    """Whether something in a run reads masks, or weighs scores that a mask may have changed."""
    return any(
        (layer.type in _ATTENTION and len(layer.inputs) > 3) or (layer.type in _SOFTMAX and layer.inputs)
        for layer in graph.layers
    )
