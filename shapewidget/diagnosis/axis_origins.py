"""What the axes of the tensors mean that layers give, whatever came in: features, positions, samples."""

from __future__ import annotations

from dataclasses import replace

from shapewidget.diagnosis.axis_parts import Axes, Axis, Part, Role
from shapewidget.graph.records import Layer, LayerKind

_POOLING = "Pool"
_FEATURES_LAST = frozenset(
    ("Linear", "MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer", "linear")
)


def made_by_input(layer: Layer) -> list[Axes]:
    """The axes of what the user hands in: the named sizes say what some of them are, or what made it before."""
    found: list[Axes] = []
    for output, spec in enumerate(layer.outputs):
        dims = spec.dims or (None,) * len(spec.shape)
        named = {"B": Role.BATCH, "T": Role.POSITIONS, "T2": Role.POSITIONS}
        told = layer.settings.get("roles")
        roles = told if isinstance(told, tuple) else tuple(named.get(str(dim)) for dim in dims)
        found.append(
            tuple(
                (Part(layer.id, output, axis, role=role, size=size),)
                for axis, (role, size) in enumerate(zip(roles, spec.shape, strict=True))
            )
        )
    return found


def made_by_layer(layer: Layer, given: Axes) -> list[Axes] | None:
    """The axes of what a layer gives; None of a layer that is not known."""
    if not layer.inputs or not layer.outputs:
        return None
    rank = len(layer.outputs[0].shape)
    if layer.size("hidden_size") is not None and "batch_first" in layer.settings:
        return _recurrent(layer, given)
    if layer.size("in_channels") is not None or (_POOLING in layer.type and layer.kind is LayerKind.LAYER):
        return [_sliding(layer, given)] * (1 if len(layer.outputs) == 1 else 0) or None
    if layer.type == "Embedding" or layer.name == "embedding":
        ids = _with_roles(layer, given, [None, Role.POSITIONS][: rank - 1]) if rank == 3 else given
        return [(*ids, _new(layer, 0, rank - 1, Role.FEATURES))]
    if layer.type in _FEATURES_LAST and len(given) == rank:
        features = _new(layer, 0, rank - 1, Role.FEATURES)
        others = [axis or _new(layer, 0, place, None) for place, axis in enumerate(given[: rank - 1])]
        return [(*others, features), *(((),) * len(spec.shape) for spec in layer.outputs[1:])]
    return None


def _new(layer: Layer, output: int, axis: int, role: Role | None) -> Axis:
    return (Part(layer.id, output, axis, role=role, size=layer.outputs[output].shape[axis]),)


def _recurrent(layer: Layer, given: Axes) -> list[Axes]:
    steps = layer.outputs[0].shape
    if len(steps) != 3 or len(given) != 3:
        return [tuple(_new(layer, 0, axis, None) for axis in range(len(steps)))]
    order: list[Role | None] = [Role.BATCH, Role.POSITIONS]
    if not layer.settings["batch_first"]:
        order.reverse()
    known = _with_roles(layer, given, order)
    batch = known[order.index(Role.BATCH)]
    found: list[Axes] = [(*known[:2], _new(layer, 0, 2, Role.FEATURES))]
    for output in range(1, len(layer.outputs)):
        found.append((_new(layer, output, 0, None), batch, _new(layer, output, 2, Role.FEATURES)))
    return found


def _sliding(layer: Layer, given: Axes) -> Axes:
    """Of a convolution (batch, channels, positions ...), with new channels; a pooling keeps them."""
    rank = len(layer.outputs[0].shape)
    digits = [int(letter) for letter in layer.type if letter.isdigit()]
    count = digits[-1] if digits else rank - 2
    if len(given) != rank:
        given = ((),) * rank
    positions = _with_roles(layer, given, [None] * (rank - count) + [Role.POSITIONS] * count)[rank - count :]
    batch = _with_roles(layer, given, [Role.BATCH])[:1] if rank == count + 2 else ()
    is_convolution = layer.size("in_channels") is not None
    channels = (
        (_new(layer, 0, rank - count - 1, Role.FEATURES),) if is_convolution else given[rank - count - 1 : rank - count]
    )
    return (*batch, *channels, *positions)


def _with_roles(layer: Layer, given: Axes, wanted: list[Role | None]) -> Axes:
    """Axes of which some are known to be what a layer takes them for, unless they are something else."""
    result = list(given)
    for axis, role in enumerate(wanted[: len(given)]):
        if role is None:
            continue
        size = layer.outputs[0].shape[axis] if axis < len(layer.outputs[0].shape) else 1
        if not given[axis]:
            result[axis] = (Part(layer.id, 0, axis, role=role, size=size),)
        elif len(given[axis]) == 1 and given[axis][0].role is None:
            result[axis] = (replace(given[axis][0], role=role, size=size),)
        elif len(given[axis]) == 1:
            result[axis] = (replace(given[axis][0], size=size),)
    return tuple(result)
