"""Where every axis of every tensor of a graph comes from, node by node in the order in which they ran.

This needs no second run: what an axis holds follows from the layers that made it. Of a node that is not known nothing
is claimed, and nothing is known of what it gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shapewidget.diagnosis.axes_moved import axes_asked, moved
from shapewidget.diagnosis.axes_of_keras import made_by_keras
from shapewidget.diagnosis.axis_origins import made_by_input, made_by_layer
from shapewidget.diagnosis.axis_parts import Axes, Axis, Part, reshaped
from shapewidget.graph.records import Edge, Layer, LayerGraph, LayerKind

Torn = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]

_RESHAPES = frozenset("view reshape flatten unflatten view_as reshape_as Flatten Unflatten Reshape".split())
_REDUCTIONS = frozenset(
    "mean sum max min amax amin median prod logsumexp std var norm argmax argmin linalg_vector_norm all any arg_max "
    "arg_min euclidean_norm".split()
)
_SAME = frozenset(
    "softmax log_softmax softmin Softmax LogSoftmax cumsum cumprod sort argsort flip roll topk pad diff normalize "
    "interpolate Upsample max_pool1d avg_pool1d adaptive_avg_pool1d adaptive_max_pool1d max_pool2d avg_pool2d "
    "adaptive_avg_pool2d adaptive_max_pool2d glu GLU chunk split split_v tensor_split reverse_v2".split()
)
"""Operations that change sizes or values along axes, and leave each axis what it is."""


@dataclass
class Tracing:
    """The axes of all tensors of a graph, and the groups of axes that its reshapes tore."""

    axes: dict[tuple[str, int], Axes] = field(default_factory=dict)
    torn: dict[str, Torn] = field(default_factory=dict)


def traced(graph: LayerGraph, into: Mapping[str, Sequence[Edge]]) -> Tracing:
    """Follow all axes through a graph.

    Args:
        graph: What ran.
        into: The edges that end at every node, in the order of its inputs.
    """
    found = Tracing()
    for layer in graph.layers:
        if layer.kind is LayerKind.GROUP:
            continue
        given = [_known(found, into.get(layer.id, ()), place, layer) for place in range(len(layer.inputs))]
        for output, axes in enumerate(_made(layer, given, found)[: len(layer.outputs)]):
            if len(axes) == len(layer.outputs[output].shape):
                found.axes[layer.id, output] = _sized(axes, layer.outputs[output].shape)
    return found


def _known(found: Tracing, edges: Sequence[Edge], place: int, layer: Layer) -> Axes:
    rank = len(layer.inputs[place].shape)
    edge = next((edge for edge in edges if edge.input == place), None)
    axes = found.axes.get((edge.source, edge.output), ()) if edge is not None else ()
    return axes if len(axes) == rank else ((),) * rank


def _sized(axes: Axes, shape: tuple[int, ...]) -> Axes:
    """The axes with their sizes of now; one of several parts that was cut since is not known any more."""
    result: list[Axis] = []
    for axis, size in zip(axes, shape, strict=True):
        if len(axis) == 1:
            result.append((replace(axis[0], size=size),) if axis[0].size != size else axis)
        else:
            count = 1
            for part in axis:
                count *= part.size
            result.append(axis if count == size else ())
    return tuple(result)


def _made(layer: Layer, given: list[Axes], found: Tracing) -> list[Axes]:
    if layer.kind is LayerKind.INPUT:
        return made_by_input(layer)
    if not layer.inputs or not layer.outputs:
        return []
    name = layer.name.rstrip("_") if layer.kind is LayerKind.OPERATION else layer.type
    if name in _RESHAPES:
        done = reshaped(given[0], layer.inputs[0].shape, layer.outputs[0].shape, layer.id)
        if done.torn:
            found.torn[layer.id] = done.torn
        return [done.axes]
    known = made_by_keras(layer, given) or made_by_layer(layer, given[0])
    if known is not None:
        return known
    axes = moved(layer, name, given)
    if axes is not None:
        return [axes] * len(layer.outputs)
    if name in _SAME:
        return [given[0]] * len(layer.outputs)
    if name in _REDUCTIONS:
        return [_reduced(layer, given[0])] * len(layer.outputs)
    if name in ("matmul", "bmm", "mm"):
        return [_product(layer, given)]
    if name == "gradient":
        return _of_sources(layer, given)
    if name in ("cat", "stack", "concat", "Concatenate"):
        return [_joined(layer, name, given)]
    return [_by_element(given, layer.outputs[0].shape)] if len(layer.outputs) == 1 else []


def _reduced(layer: Layer, axes: Axes) -> Axes:
    made, rank = len(layer.outputs[0].shape), len(axes)
    asked = layer.settings.get("dim", layer.settings.get("axis", layer.settings.get("1")))
    given = (asked,) if isinstance(asked, int) and not isinstance(asked, bool) else asked
    if not isinstance(given, tuple):
        return ((),) * made
    gone = {axis % rank for axis in given if isinstance(axis, int) and rank}
    if made == rank:
        return tuple(() if place in gone else axis for place, axis in enumerate(axes))
    return tuple(axis for place, axis in enumerate(axes) if place not in gone)


def _product(layer: Layer, given: list[Axes]) -> Axes:
    one, other = given[0], given[1] if len(given) > 1 else ()
    if len(one) < 2 or len(other) < 2:
        return ()
    longer = one if len(one) >= len(other) else other
    turned = layer.settings.get("turned")
    first, second = turned if isinstance(turned, tuple) else (False, False)
    return (*longer[:-2], one[-1 if first else -2], other[-2 if second else -1])


def _of_sources(layer: Layer, given: list[Axes]) -> list[Axes]:
    """Gradients have the axes of what they are taken by, which stands behind what they are taken of."""
    sources = [place for place, spec in enumerate(layer.inputs) if spec.shape in {each.shape for each in layer.outputs}]
    last = sources[-len(layer.outputs) :]
    are_all = [layer.inputs[place].shape for place in last] == [each.shape for each in layer.outputs]
    return [given[place] for place in last] if are_all else []


def _joined(layer: Layer, name: str, given: list[Axes]) -> Axes:
    asked = axes_asked(layer)
    place = (asked[0] if asked else 0) % len(layer.outputs[0].shape)
    first = next((axes for axes in given if any(axes)), given[0])
    own = Part(layer.id, 0, place, size=layer.outputs[0].shape[place])
    if name == "stack":
        return (*first[:place], (own,), *first[place:])
    known = [axes[place] for axes in given if len(axes) > place and axes[place]]
    common = {part.role for axis in known for part in axis}
    role = common.pop() if len(common) == 1 else None
    return (*first[:place], (replace(own, role=role),), *first[place + 1 :])


def _by_element(given: list[Axes], shape: tuple[int, ...]) -> Axes:
    """The axes of what is made value by value, where that is so: every axis is that of an input of its size."""
    result: list[Axis] = []
    for back in range(len(shape), 0, -1):
        found = list(_of_size(given, back, shape[-back]))
        result.append(next((axis for axis in found if any(part.role for part in axis)), next(iter(found), ())))
    ranks = {len(axes) for axes in given}
    return tuple(result) if max(ranks, default=0) == len(shape) else ()


def _of_size(given: list[Axes], back: int, size: int) -> Iterator[Axis]:
    for axes in given:
        if len(axes) >= back and axes[-back] and _length(axes[-back]) == size:
            yield axes[-back]


def _length(axis: Axis) -> int:
    count = 1
    for part in axis:
        count *= part.size
    return count
