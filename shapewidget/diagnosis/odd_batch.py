"""The first batch of a running loop that has other shapes, at the input of the graph that it enters by."""

from __future__ import annotations

from dataclasses import replace

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.graph.batches import BatchRecord
from shapewidget.graph.records import Agreement, LayerGraph, LayerKind


def odd_batch(graph: LayerGraph, first: BatchRecord, odd: BatchRecord) -> Finding:
    """What a batch has that the first one had otherwise.

    Args:
        graph: Of the model that is called with them.
        first: The first batch that was recorded.
        odd: The first one that is not of its shapes.
    """
    inputs = [layer for layer in graph.layers if layer.kind is LayerKind.INPUT]
    pairs = list(zip(first.parts, odd.parts, strict=False))
    place = next((place for place, (one, other) in enumerate(pairs) if one.spec.shape != other.spec.shape), None)
    if place is None:
        before, here, axis, name = f"{len(first.parts)} tensors", f"{len(odd.parts)} tensors", None, ""
    else:
        (one, other), name = pairs[place], pairs[place][1].name
        before, here = str(one.spec), str(other.spec)
        sizes = list(zip(one.spec.shape, other.spec.shape, strict=False))
        axis = next((axis for axis, (a, b) in enumerate(sizes) if a != b), None)
    layer = inputs[place] if place is not None and place < len(inputs) else None
    return finding(
        "SW732",
        "loader",
        layer.name if layer is not None else name or "the batch",
        f"Batch {odd.index} of the running loop is {here}, and the first one was {before}. All batches between them "
        f"had the shapes of the first.",
        fix="nothing, if the model is to take such batches: it was called with this one",
        axis=axis,
        expected=before,
        got=here,
        layer_id=layer.id if layer is not None else "",
    )


def marked(graph: LayerGraph, odd: Finding) -> LayerGraph:
    """The graph with the two shapes beside the lines that lead from the input of that batch."""
    text = f"{odd.reason.split(' of ')[0].lower()}: {odd.got} ≠ {odd.expected}"
    edges = (
        replace(edge, badge=text if edge.source == odd.layer_id else "") if edge.state is Agreement.AGREE else edge
        for edge in graph.edges
    )
    return replace(graph, edges=tuple(edges))
