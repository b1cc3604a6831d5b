"""Labels as nodes of a graph: what a loss compares with, where it comes from outside of what was recorded."""

from __future__ import annotations

from dataclasses import replace

from shapewidget.graph.records import Edge, Layer, LayerGraph, LayerKind

_NAME = "targets"


def with_labels(graph: LayerGraph) -> LayerGraph:
    """The graph with a node for the targets of every loss that compares them with predictions of a model.

    Of the first two tensors of a loss, the predictions come from a layer, and the targets from outside, straight or by
    way of operations (``y.float().unsqueeze(1)``).
    """
    layers: list[Layer] = []
    edges: list[Edge] = []
    entries = {node.id: place for node, place in filter(None, (_targets_of(graph, each) for each in graph.layers))}
    for layer in graph.layers:
        if layer.id in entries:
            place = entries[layer.id]
            id_ = _free_id(graph, len(edges))
            spec = layer.inputs[place]
            layers.append(Layer(id_, LayerKind.INPUT, _NAME, "input", parent=layer.parent, outputs=(spec,)))
            edges.append(Edge(id_, layer.id, 0, place))
        layers.append(layer)
    return replace(graph, layers=tuple(layers), edges=(*graph.edges, *edges)) if edges else graph


def _targets_of(graph: LayerGraph, loss: Layer) -> tuple[Layer, int] | None:
    """The node that the targets of a loss enter by, and as which of its inputs."""
    if loss.kind is not LayerKind.LOSS or len(loss.inputs) < 2:
        return None
    found = [entry for place in (0, 1) if (entry := _entry(graph, loss, place)) is not None]
    return found[0] if len(found) == 1 else None


def _entry(graph: LayerGraph, node: Layer, place: int) -> tuple[Layer, int] | None:
    """Where a tensor that no layer made comes in; None where a layer made it, or where it is a node already."""
    while True:
        producer = next((graph.by_id.get(edge.source) for edge in graph.into(node.id) if edge.input == place), None)
        if producer is None:
            return node, place
        if producer.kind is not LayerKind.OPERATION or not producer.inputs:
            return None
        node, place = producer, 0


def _free_id(graph: LayerGraph, count: int) -> str:
    ids = [_NAME, *(f"{_NAME}#{number}" for number in range(2, len(graph.layers) + 2))]
    return [id_ for id_ in ids if id_ not in graph.by_id][count]
