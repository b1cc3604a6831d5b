"""Distances whose squares are added up over the samples: one root for each feature, where each sample has its own."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_remedies import axis_keywords, reduced_along, reduced_axes
from shapewidget.diagnosis.batch_axis import has_batch
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.diagnosis.written_loss import has_weights_behind
from shapewidget.graph.records import Layer, LayerKind

_BY_ELEMENT = frozenset("square abs pow mul absolute".split())
_ROOTS = frozenset(("sqrt",))
_KEPT_POSITIVE = frozenset("maximum clamp clamp_min clip relu add".split())
_NORMS = frozenset("norm euclidean_norm linalg_norm linalg_vector_norm vector_norm".split())


def distance_over_samples(evidence: Evidence) -> Iterator[Diagnosis]:
    """The root of a sum along the batch alone, of the squared differences of outputs and targets.

    Or of two outputs, as of a siamese network, where such distances are all that the model gives. A mean there is the
    error of each column, which has its uses, and what is divided by another such length is relative to it; both are
    left alone.
    """
    for layer in evidence.graph.layers:
        is_sum = layer.name == "sum" and _is_rooted(evidence, layer)
        if not (is_sum or layer.name in _NORMS) or layer.kind is not LayerKind.OPERATION or not layer.inputs:
            continue
        shape = layer.inputs[0].shape
        if len(shape) < 2 or reduced_axes(layer) != (0,) or min(shape[0], shape[-1]) < 2 or not layer.outputs:
            continue
        if _are_differences(evidence, layer) and not _is_divided(evidence, layer):
            yield _said(layer)


def _is_rooted(evidence: Evidence, layer: Layer) -> bool:
    """Whether the root is taken of what it gives, kept above zero or not."""
    return any(
        each.name in _ROOTS or (each.name in _KEPT_POSITIVE and _is_rooted(evidence, each))
        for each in _readers(evidence, layer)
    )


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
    learned = [has_weights_behind(evidence.graph, node.id, place) for place in (0, 1)].count(True)
    return learned == 1 or (learned == 2 and _is_all_that_is_left(evidence, layer))


def _is_all_that_is_left(evidence: Evidence, layer: Layer) -> bool:
    """Whether the model gives distances for the columns of its batch, and nothing that has samples."""
    given = evidence.edges_into.get("output", ())
    results = [spec for each in evidence.graph.layers if each.kind is LayerKind.OUTPUT for spec in each.inputs]
    is_given = any(layer.id in evidence.before(edge.source) for edge in given)
    return is_given and has_batch(layer.inputs[0]) and not any(map(has_batch, results))


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
    given, made = layer.inputs[0].shape, layer.outputs[0].shape
    wanted = (given[0], *(1,) * (len(given) - 1)) if len(made) == len(given) else given[:1]
    name, rest = axis_keywords(layer)[0], list(range(1, len(given)))
    edit = reduced_along(layer, rest if len(rest) > 1 else [-1])
    reason = (
        f"{place_text(layer)} adds up the squares of {shape_text(layer.inputs[0])} along axis 0, over the "
        f"{given[0]} samples, and the root is taken of {shape_text(layer.outputs[0])}: one distance for each "
        f"column, which grows with the batch, and none for a sample. Expected one for each sample, {wanted}."
    )
    said = finding_at(
        "SW603", layer, reason, fix=edit.replacement if edit is not None else f"{name}=-1, the features", axis=0,
        axis_name="batch", expected=wanted, got=made,
    )  # fmt: skip
    return Diagnosis(said, (edit,) if edit is not None else ())
