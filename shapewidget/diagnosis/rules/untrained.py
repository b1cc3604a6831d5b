"""Outputs that the loss never reads, where layers work for them alone: nothing trains those."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind


def outputs_unread(evidence: Evidence) -> Iterator[Diagnosis]:
    """One of several outputs that is made by weights of its own and does not reach the loss."""
    losses = [layer for layer in evidence.graph.layers if _is_of_loss(layer)]
    edges = evidence.edges_into.get("output", ())
    if not losses or evidence.clashes or len(edges) < 2:
        return
    read = {place for layer in losses for place in evidence.before(layer.id)}
    given = {place for edge in edges if edge.source in read for place in evidence.before(edge.source)}
    if not given:
        return
    trained = {evidence.graph.by_id[place].path for place in read}
    for edge in edges:
        alone = [evidence.graph.by_id[place] for place in evidence.before(edge.source) - read]
        own = [layer for layer in alone if layer.parameters and not _is_of_library(layer)]
        trainable = [layer for layer in own if layer.path not in trained]
        if edge.source not in read and trainable:
            yield _said(edge.input, trainable)


def _is_of_loss(layer: Layer) -> bool:
    return layer.kind is LayerKind.LOSS or (layer.path == "loss" and layer.kind is LayerKind.OPERATION)


def _is_of_library(layer: Layer) -> bool:
    return layer.source is None or "site-packages" in layer.source.filename


def _said(place: int, layers: list[Layer]) -> Diagnosis:
    last = max(layers, key=lambda layer: layer.id)
    count = sum(layer.parameters for layer in layers)
    names = ", ".join(sorted(f"`{layer.path}`" for layer in layers))
    reason = (
        f"Output {place} of the model, {shape_text(last.outputs[0])} from {place_text(last)}, does not reach the loss, "
        f"and {names} {'works' if len(layers) == 1 else 'work'} for it alone: {count:,} weights that nothing trains."
    )
    fix = "add its part to the loss, where it is to be trained with the others"
    return Diagnosis(finding_at("SW308", last, reason, fix=fix, expected="a part of the loss", got=f"output {place}"))
