"""Axes along which nothing tells one place from another: all weights are shared, and the places are pooled at the end.

Such are the points of a cloud, the regions of a picture or the instances of a bag; channels are never treated so.
"""

from __future__ import annotations

from shapewidget.diagnosis.axis_parts import Axis, Part
from shapewidget.diagnosis.axis_remedies import reduced_axes
from shapewidget.diagnosis.chains import axis_argument
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.graph.records import Layer, LayerKind

_POOLS = frozenset("sum mean max amax min amin logsumexp".split())
_SHARED = frozenset("Linear LayerNorm Embedding linear layer_norm".split())
"""Layers with weights that work on the last axis, and treat all places of the others alike."""

_PICKS = frozenset("index narrow select unbind split chunk gather index_select".split())
_IN_ORDER = frozenset("flip roll cumsum cumprod diff".split())


def is_unordered(evidence: Evidence, norm: Layer, place: int) -> bool:
    """Whether an axis that a normalisation is given comes from the data, is pooled, and is read place by place nowhere.

    Args:
        evidence: The program.
        norm: The layer in question, which is itself left out.
        place: The axis of its input.
    """
    axis = evidence.axes_into(norm)[place]
    if len(axis) != 1 or not axis[0].is_whole or not _is_of_data(evidence, axis[0]):
        return False
    readers = [
        (layer, at)
        for layer in evidence.graph.layers
        if layer is not norm and layer.kind in (LayerKind.LAYER, LayerKind.OPERATION)
        for at in range(len(layer.inputs))
        if any(axis[0] in each for each in evidence.axes_into(layer, at))
    ]
    is_pooled = any(layer.name in _POOLS and _is_along(evidence, layer, axis[0]) for layer, _ in readers)
    return is_pooled and not any(_tells_apart(evidence, layer, at, axis[0]) for layer, at in readers)


def _is_of_data(evidence: Evidence, part: Part) -> bool:
    """Whether the axis is one of what came in, and not made of branches that were put side by side."""
    made = evidence.layer(part.by)
    return made is not None and (made.kind is LayerKind.INPUT or made.type in _SHARED)


def _is_along(evidence: Evidence, layer: Layer, part: Part) -> bool:
    axes = evidence.axes_into(layer)
    return any(axes[axis] == (part,) for axis in reduced_axes(layer))


def _tells_apart(evidence: Evidence, layer: Layer, at: int, part: Part) -> bool:
    """Whether a node treats one place of the axis otherwise than another."""
    axes = evidence.axes_into(layer, at)
    own: Axis = next(axis for axis in axes if part in axis)
    back = len(axes) - axes.index(own)
    if layer.kind is LayerKind.LAYER and layer.parameters:
        return layer.type not in _SHARED or back == 1
    if layer.name in _SHARED:
        return back == 1
    if layer.name in _PICKS:
        made = evidence.tracing.axes.get((layer.id, 0), ())
        return not any(axis == (part,) and axis[0].size == part.size for axis in made)
    if layer.name in _IN_ORDER and axis_argument(layer) == len(axes) - back:
        return True
    is_merged_behind = len(own) > 1 and own[0] == part  # with the features: a place of its own in a row for each
    return is_merged_behind or any(
        evidence.edge_into(layer.id, other) is None and len(spec.shape) >= back and spec.shape[-back] == part.size
        for other, spec in enumerate(layer.inputs)
    )
