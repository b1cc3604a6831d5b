"""The layers of a graph as an outline, in which blocks that read the same are written once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from shapewidget.graph.records import Edge, Layer, LayerGraph, TensorSpec

_WRITTEN_OUT = 3
"""How many shapes that are alike are written out."""


class Row(NamedTuple):
    """One line of the outline.

    Attributes:
        level: How deep the layer lies, 0 at the top.
        layer: The layer.
        badge: The worst clash of what enters it, empty where there is none.
        like: The name of the block before it that reads the same, whose insides are not written again.
        last: The last of the blocks in a row that do so; the layer itself where it is the only one.
    """

    level: int
    layer: Layer
    badge: Edge | None
    like: str
    last: Layer

    @property
    def name(self) -> str:
        """The name of the layer, or of the first and the last of a row of blocks."""
        return self.layer.name if self.last is self.layer else f"{self.layer.name} to {self.last.name}"


def outline(graph: LayerGraph) -> Iterator[Row]:
    """The rows of a graph, from its top down."""
    return _Outline(graph).rows()


def shapes(specs: Sequence[TensorSpec]) -> str:
    """The shapes of tensors, a long row of those that are alike in short: "(B, 3) x 36"."""
    runs = [[*alike] for _, alike in groupby(map(str, specs))]
    return ", ".join(", ".join(run) if len(run) <= _WRITTEN_OUT else f"{run[0]} x {len(run)}" for run in runs)


class _Outline:
    def __init__(self, graph: LayerGraph) -> None:
        self._badges: Mapping[str, Edge] = {edge.target: edge for edge in graph.edges if edge.badge}
        self._inside: dict[str | None, list[Layer]] = defaultdict(list)
        for layer in graph.layers:
            self._inside[layer.parent].append(layer)
        self._words: dict[str, Hashable] = {}

    def rows(self, parent: str | None = None, level: int = 0) -> Iterator[Row]:
        """The layers inside one group, or at the top, each with what is in it."""
        for _, alike in groupby(self._inside[parent], key=self._read):
            first, *others = alike
            yield self._row(level, first)
            yield from self.rows(first.id, level + 1)
            if others and self._inside[first.id]:
                yield self._row(level, others[0], first.name, others[-1])
            else:
                yield from (self._row(level, layer) for layer in others)

    def _row(self, level: int, layer: Layer, like: str = "", last: Layer | None = None) -> Row:
        return Row(level, layer, self._badges.get(layer.id), like, last or layer)

    def _read(self, layer: Layer) -> Hashable:
        """What a reader sees of a layer and in it; of a group all but its own name."""
        if layer.id not in self._words:
            inside = tuple(self._read(each) for each in self._inside[layer.id])
            name = "" if inside else layer.name
            badge = self._badges.get(layer.id)
            shown = (name, layer.type, str(layer.outputs), layer.parameters, badge and (badge.state, badge.badge))
            self._words[layer.id] = (shown, inside)
        return self._words[layer.id]
