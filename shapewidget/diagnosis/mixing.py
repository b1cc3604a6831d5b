"""Where samples of a batch reach one another: what two runs that differ in one sample say about every node."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.evidence import Evidence
from shapewidget.graph.records import Layer, LayerKind


def is_harmless(evidence: Evidence, layer: Layer) -> bool:
    """Whether nothing that a node does to the order of the samples is left in what the model gives."""
    found = evidence.independence
    if found is None or (layer.id, 0) not in found.touched:
        return False
    given = [found.touched.get((edge.source, edge.output)) for edge in evidence.edges_into.get("output", ())]
    if not any(touch is not None and touch.axis is not None for touch in given):
        return False
    return not any(layer.id in evidence.before(source) for source in results_mixed(evidence))


def mixing_layers(evidence: Evidence) -> Iterator[Layer]:
    """The nodes at which another sample's rows begin to change, of those that what the model gives depends on."""
    behind = {place for source in results_mixed(evidence) for place in evidence.before(source)}
    for layer in evidence.graph.layers:
        if layer.id in behind and layer.kind is not LayerKind.INPUT and _begins(evidence, layer):
            yield layer


def keeps_samples(evidence: Evidence, layer: Layer) -> bool:
    """Whether what a node makes reaches a mixed result, held apart by sample all the way."""
    found, results = evidence.independence, results_mixed(evidence)
    waiting, seen = [layer.id], {layer.id}
    while waiting and found is not None:
        node = waiting.pop()
        touch = found.touched.get((node, 0))
        if touch is None or touch.axis is None:
            continue
        if node in results:
            return True
        targets = {edge.target for edge in evidence.edges_out.get(node, ())} - seen
        seen |= targets
        waiting += targets
    return False


def is_mixed_at(evidence: Evidence, layer: Layer) -> bool:
    """Whether rows of several samples change behind a node when one sample is replaced."""
    found = evidence.independence
    touch = found.touched.get((layer.id, 0)) if found is not None else None
    return found is not None and touch is not None and touch.axis is not None and not found.is_own(touch)


def results_mixed(evidence: Evidence) -> list[str]:
    """The nodes whose outputs the model gives and in which more than the replaced sample changed."""
    found = evidence.independence
    if found is None:
        return []
    edges = evidence.edges_into.get("output", ())
    return [
        edge.source
        for edge in edges
        if (touch := found.touched.get((edge.source, edge.output))) is not None
        and touch.axis is not None
        and not found.is_own(touch)
    ]


def _begins(evidence: Evidence, layer: Layer) -> bool:
    """Whether rows of several samples change behind a node, and before it those of the replaced one only."""
    found = evidence.independence
    if found is None:
        return False
    made = [touch for place in range(len(layer.outputs)) if (touch := found.touched.get((layer.id, place))) is not None]
    read = [found.touched.get((edge.source, edge.output)) for edge in evidence.edges_into.get(layer.id, ())]
    is_mixed = any(touch.axis is not None and not found.is_own(touch) for touch in made)
    return is_mixed and all(touch is None or not touch.rows or found.is_own(touch) for touch in read)
