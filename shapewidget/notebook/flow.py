"""Which tensors a graph has, each once, and who takes and gives which.

They stand in execution order: of every layer first the inputs that no layer made, then its outputs; behind them what a
group takes or gives as nothing inside it does. The order depends on the structure of the graph alone, so the tensors
of one graph at other sizes take one another's places.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from shapewidget.graph.records import Edge, Layer, LayerGraph, LayerKind, TensorSpec

Crossings = defaultdict[str, list[Edge]]


class Flow:
    """The tensors of a graph by their index.

    Attributes:
        tensors: Every tensor.
        inputs: Of every layer's id, the indices of what it read.
        outputs: Of every layer's id, the indices of what it gave.
        entering: Of every layer's id, the edges that end at it; of a group's, those that come in from outside.
    """

    def __init__(self, graph: LayerGraph) -> None:
        self.tensors: list[TensorSpec] = []
        self.inputs: dict[str, list[int]] = {}
        self.outputs: dict[str, list[int]] = {}
        self.entering, leaving = _crossings(graph)
        leaves = [layer for layer in graph.layers if layer.kind is not LayerKind.GROUP]
        made_by = {layer.id: _arrivals(self.entering[layer.id]) for layer in leaves}
        orphans: dict[tuple[str, int], int] = {}
        for layer in leaves:
            for place, spec in enumerate(layer.inputs):
                if place not in made_by[layer.id]:
                    orphans[layer.id, place] = self._add(spec)
            self.outputs[layer.id] = [self._add(spec) for spec in layer.outputs]
        for layer in leaves:
            self.inputs[layer.id] = [
                self.tensor(made_by[layer.id][place]) if place in made_by[layer.id] else orphans[layer.id, place]
                for place in range(len(layer.inputs))
            ]
        for layer in graph.layers:
            if layer.kind is LayerKind.GROUP:
                self.inputs[layer.id] = self._at_border(layer.inputs, self.entering[layer.id])
                self.outputs[layer.id] = self._at_border(layer.outputs, leaving[layer.id])

    def tensor(self, edge: Edge) -> int:
        """The index of the tensor on an edge; -1 where the run ended before there was one."""
        outputs = self.outputs[edge.source]
        return outputs[edge.output] if edge.output < len(outputs) else -1

    def _add(self, spec: TensorSpec) -> int:
        self.tensors.append(spec)
        return len(self.tensors) - 1

    def _at_border(self, specs: Sequence[TensorSpec], edges: Sequence[Edge]) -> list[int]:
        """A group's own tensors, found among those that cross its border."""
        crossing = [index for index in dict.fromkeys(self.tensor(edge) for edge in edges) if index >= 0]
        found = []
        for spec in specs:
            match = next((index for index in crossing if self.tensors[index] == spec), None)
            if match is None:
                match = self._add(spec)
            else:
                crossing.remove(match)
            found.append(match)
        return found


def _arrivals(edges: Sequence[Edge]) -> dict[int, Edge]:
    """The edge at every input. A value that left the framework arrives as another tensor."""
    return {edge.input: edge for edge in edges if not edge.escaped}


def _crossings(graph: LayerGraph) -> tuple[Crossings, Crossings]:
    """Of every layer the edges that end at it and those that start at it; of a group, those that cross its border."""
    entering: Crossings = defaultdict(list)
    leaving: Crossings = defaultdict(list)
    around = {layer.id: list(_around(layer, graph)) for layer in graph.layers}
    for edge in graph.edges:
        for id_ in around[edge.target]:
            if id_ not in around[edge.source]:
                entering[id_].append(edge)
        for id_ in around[edge.source]:
            if id_ not in around[edge.target]:
                leaving[id_].append(edge)
    return entering, leaving


def _around(layer: Layer, graph: LayerGraph) -> Iterator[str]:
    """The layer and the groups that hold it."""
    yield layer.id
    if layer.parent is not None:
        yield from _around(graph.by_id[layer.parent], graph)
