"""Vectors that are compared, or brought to length 1, along their positions and not along their features."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.batch_axis import TIME, has_time
from shapewidget.diagnosis.chains import maker
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import along, with_keywords
from shapewidget.diagnosis.products import is_summed_along
from shapewidget.diagnosis.wording import place_text, shape_text, size_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument

_COMPARING = frozenset(("cosine_similarity", "CosineSimilarity", "normalize"))
_FEATURES_LAST = frozenset("Linear LayerNorm RMSNorm Embedding MultiheadAttention LSTM GRU RNN".split())
_DEFAULT = 1


def compared_along_positions(evidence: Evidence) -> Iterator[Diagnosis]:
    """A cosine or a length over axis 1, its default, of (batch, positions, features)."""
    for layer in evidence.graph.layers:
        if layer.type not in _COMPARING or not layer.inputs or len(layer.inputs[0].shape) < 3:
            continue
        axis, rank, dims = _axis(layer), len(layer.inputs[0].shape), layer.inputs[0].dims
        made = maker(evidence, layer)
        if axis in (0, rank - 1) or made is None or made[0].type not in _FEATURES_LAST or dims is None:
            continue
        if "B" in dims[axis].names:
            continue
        is_asked = bool(layer.settings.keys() & {"dim", "2"})
        is_of_courses = is_asked and dims[axis] == TIME and _is_of_series(evidence)
        if is_of_courses and not is_summed_along(evidence, layer, dims[rank - 1]):
            continue
        yield _said(layer, made[0], axis)


def _axis(layer: Layer) -> int:
    asked = layer.settings.get("dim", layer.settings.get("2", _DEFAULT))
    return asked % len(layer.inputs[0].shape) if isinstance(asked, int) else _DEFAULT


def _is_of_series(evidence: Evidence) -> bool:
    """Whether the steps are measurements: how alike two courses over time are is a question of its own."""
    inputs = [layer for layer in evidence.graph.layers if layer.kind is LayerKind.INPUT and layer.outputs]
    given = [layer.outputs[0] for layer in inputs if not layer.id.startswith("targets")]
    return any(has_time(spec) and spec.dtype.startswith("float") for spec in given)


def _said(layer: Layer, made: Layer, axis: int) -> Diagnosis:
    given = layer.inputs[0]
    last = len(given.shape) - 1
    features, positions = given.shape[last], size_text(given.shape[axis], (given.dims or ())[axis])
    reason = (
        f"{place_text(layer)} runs along axis {axis} of {shape_text(given)}, the {positions} positions: it compares "
        f"each of the {features} features over all positions. {place_text(made)} gives one vector of {features} "
        f"features for each position, on axis {last}."
    )
    remedies = tuple(_remedies(layer, axis, last + 1))
    edit = remedies[0] if remedies else None
    said = finding_at(
        "SW618", layer, reason, fix=edit.replacement if isinstance(edit, EditExpression) else "dim=-1", axis=axis,
        axis_name="positions", expected=f"dim=-1 ({features} features)", got=f"dim={axis} ({positions} positions)",
    )  # fmt: skip
    return Diagnosis(said, remedies)


def _remedies(layer: Layer, axis: int, rank: int) -> Iterator[Remedy]:
    if layer.kind is LayerKind.LAYER:
        yield SetArgument(layer.path, "dim", -1)
        return
    for text in (with_keywords(layer.source, "dim=-1"), along(layer.source, axis, rank, -1)):
        if text is not None and layer.source is not None:
            yield EditExpression(layer.source, text)
