"""Distances whose squares are added up over the samples: one root for each feature, where each sample has its own."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_remedies import axis_keywords, reduced_along, reduced_axes
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.diagnosis.written_loss import has_weights_behind
from shapewidget.graph.records import Layer, LayerKind

_BY_ELEMENT = frozenset("square abs pow mul absolute".split())
_ROOTS = frozenset(("sqrt",))
_NORMS = frozenset("norm euclidean_norm linalg_norm linalg_vector_norm vector_norm".split())


def distance_over_samples(evidence: Evidence) -> Iterator[Diagnosis]:
    """The root of a sum along the batch alone, of the squared differences of outputs and targets.

    A mean there is the error of each column, which has its uses, and what is divided by another such length is
    relative to it; both are left alone.
    """
    for layer in evidence.graph.layers:
        is_sum = layer.name == "sum" and any(each.name in _ROOTS for each in _readers(evidence, layer))
        if not (is_sum or layer.name in _NORMS) or layer.kind is not LayerKind.OPERATION or not layer.inputs:
            continue
        shape = layer.inputs[0].shape
        if len(shape) < 2 or reduced_axes(layer) != (0,) or min(shape[0], shape[-1]) < 2 or not layer.outputs:
            continue
        if _are_differences(evidence, layer) and not _is_divided(evidence, layer):
            yield _said(layer)


def _readers(evidence: Evidence, layer: Layer) -> list[Layer]:
    found = (evidence.layer(edge.target) for edge in evidence.edges_out.get(layer.id, ()))
    return [reader for reader in found if reader is not None]


def _are_differences(evidence: Evidence, layer: Layer) -> bool:
    """Whether the values are made of what a model gave less as much that no weights have made."""
    node = evidence.producer(layer.id, 0)
    while node is not None and node.name in _BY_ELEMENT and node.outputs[0].shape == layer.inputs[0].shape:
        node = evidence.producer(node.id, 0)
    if node is None or node.name != "sub" or len(node.inputs) != 2 or node.inputs[0].shape != node.inputs[1].shape:
        return False
    return [has_weights_behind(evidence.graph, node.id, place) for place in (0, 1)].count(True) == 1


def _is_divided(evidence: Evidence, layer: Layer) -> bool:
    """Whether something that was worked out as well divides what becomes of the values, or is divided by it."""
    waiting, seen = _readers(evidence, layer), {layer.id}
    while waiting:
        reader = waiting.pop()
        if reader.name in ("div", "divide", "truediv") and len(evidence.edges_into.get(reader.id, ())) > 1:
            return True
        if reader.id not in seen:
            seen.add(reader.id)
            waiting += _readers(evidence, reader)
    return False


def _said(layer: Layer) -> Diagnosis:
    given = layer.inputs[0]
    name, rest = axis_keywords(layer)[0], list(range(1, len(given.shape)))
    edit = reduced_along(layer, rest if len(rest) > 1 else [-1])
    reason = (
        f"{place_text(layer)} adds up the squares of {shape_text(given)} along axis 0, over the "
        f"{given.shape[0]} samples, and the root is taken of {shape_text(layer.outputs[0])}: one distance for each "
        f"column, which grows with the batch, and none for a sample. Expected one for each sample, {given.shape[:1]}."
    )
    said = finding_at(
        "SW603", layer, reason, fix=edit.replacement if edit is not None else f"{name}=-1, the features", axis=0,
        axis_name="batch", expected=given.shape[:1], got=layer.outputs[0].shape,
    )  # fmt: skip
    return Diagnosis(said, (edit,) if edit is not None else ())
