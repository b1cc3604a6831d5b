"""A graph in which what repeats is drawn once: the steps of a training loop, all but the last of which are alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import replace

from shapewidget.graph.records import Edge, Layer, LayerGraph


def without_repeats(graph: LayerGraph) -> LayerGraph:
    """Drop every call that does what an earlier one did: the same code, the same shapes, the same producers.

    This is value numbering as compilers do it (Cocke and Schwartz, 1970), on calls instead of expressions: a call
    whose producers were dropped reads the ones that they repeat, so that whole steps fall together. A step with another
    shape, as that of a short last batch, or one that was not reached stays.
    """
    into: dict[str, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        into[edge.target].append(edge)
    kept_as: dict[str, str] = {}
    seen: dict[Hashable, list[Layer]] = {}
    for unit in _units(graph):
        first = seen.setdefault(_key(unit, into, kept_as), unit)
        kept_as |= {layer.id: kept.id for layer, kept in zip(unit, first, strict=True)}
    edges = (edge for edge in graph.edges if kept_as[edge.target] == edge.target)
    return replace(
        graph,
        layers=tuple(layer for layer in graph.layers if kept_as[layer.id] == layer.id),
        edges=tuple(replace(edge, source=kept_as[edge.source]) for edge in edges),
    )


def _units(graph: LayerGraph) -> Iterator[list[Layer]]:
    """Every call at the top, together with all that ran inside it, which follows it."""
    unit: list[Layer] = []
    for layer in graph.layers:
        if layer.parent is None and unit:
            yield unit
            unit = []
        unit.append(layer)
    if unit:
        yield unit


def _key(unit: list[Layer], into: dict[str, list[Edge]], kept_as: dict[str, str]) -> Hashable:
    place = {layer.id: index for index, layer in enumerate(unit)}

    def read(edge: Edge) -> Hashable:
        source = place.get(edge.source, kept_as.get(edge.source))
        return source, edge.output, edge.input, edge.state

    return tuple(
        (
            (layer.kind, layer.type, layer.name, layer.path, layer.source, layer.inputs, layer.outputs),
            place.get(layer.parent or ""),
            tuple(read(edge) for edge in into[layer.id]),
        )
        for layer in unit
    )
