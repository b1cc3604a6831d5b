"""What the axes of the tensors mean that layers of Keras give, which have the features last unless they are told."""

from __future__ import annotations

from dataclasses import replace

from shapewidget.diagnosis.axis_parts import Axes, Axis, Part, Role
from shapewidget.graph.records import Layer, LayerKind

_FEATURES_LAST = frozenset("Dense EinsumDense MultiHeadAttention GroupQueryAttention".split())


def made_by_keras(layer: Layer, given: list[Axes]) -> list[Axes] | None:
    """The axes of what a layer of Keras gives; None of another layer, and of one that is not known."""
    if layer.kind is not LayerKind.LAYER or not layer.inputs or not layer.outputs:
        return None
    first, rank = given[0], len(layer.outputs[0].shape)
    if "return_sequences" in layer.settings:
        return _recurrent(layer, first)
    if "data_format" in layer.settings and len(first) > 2:
        return [_sliding(layer, first)]
    if layer.type == "Embedding" and layer.size("output_dim") is not None and rank == len(first) + 1:
        ids = named(layer, first, [Role.BATCH, Role.POSITIONS]) if len(first) == 2 else first
        return [(*ids, _new(layer, 0, rank - 1, Role.FEATURES))]
    if layer.type in _FEATURES_LAST and len(first) == rank:
        known = named(layer, first, [Role.BATCH])[:-1]
        others = [axis or _new(layer, 0, place, None) for place, axis in enumerate(known)]
        made = (*others, _new(layer, 0, rank - 1, Role.FEATURES))
        return [made, *(((),) * len(spec.shape) for spec in layer.outputs[1:])]
    order = layer.settings.get("dims")
    if layer.type == "Permute" and isinstance(order, tuple) and len(first) == len(order) + 1:
        return [(first[0], *(first[place] for place in order))]
    if layer.type == "RepeatVector" and len(first) == 2:
        return [(first[0], (), first[1])]
    if layer.type == "Dot" and len(given) == 2:
        return [_products(layer, *given)]
    return None


def named(layer: Layer, given: Axes, wanted: list[Role | None]) -> Axes:
    """Axes of which some are known to be what a layer takes them for, unless they are something else."""
    result = list(given)
    for place, role in enumerate(wanted[: len(given)]):
        axis = given[place]
        if role is not None and not axis:
            result[place] = (Part(f"into {layer.id}", 0, place, role=role, size=layer.inputs[0].shape[place]),)
        elif role is not None and len(axis) == 1 and axis[0].role is None:
            result[place] = (replace(axis[0], role=role),)
    return tuple(result)


def _new(layer: Layer, output: int, axis: int, role: Role | None) -> Axis:
    return (Part(layer.id, output, axis, role=role, size=layer.outputs[output].shape[axis]),)


def _recurrent(layer: Layer, given: Axes) -> list[Axes]:
    """(batch, steps, features), or the last step only; every state is (batch, features)."""
    known = named(layer, given, [Role.BATCH, Role.POSITIONS]) if len(given) == 3 else ((), ())
    found: list[Axes] = []
    for output, spec in enumerate(layer.outputs):
        rank = len(spec.shape)
        features = _new(layer, output, rank - 1, Role.FEATURES) if rank else ()
        found.append((*known[: rank - 1], features) if 2 <= rank <= 3 else ((),) * rank)
    return found


def _sliding(layer: Layer, given: Axes) -> Axes:
    """Of a convolution (batch, positions ..., channels) with new channels; a pooling keeps them."""
    rank, made = len(given), len(layer.outputs[0].shape)
    channels = 1 if layer.settings["data_format"] == "channels_first" else rank - 1
    if layer.type in ("Flatten", "TimeDistributed"):
        return ((),) * made
    places = [place for place in range(1, rank) if place != channels]
    wanted: list[Role | None] = [Role.POSITIONS if place in places else None for place in range(rank)]
    known = named(layer, given, [Role.BATCH, *wanted[1:]])
    if made == 2:
        return known[0], known[channels]
    if made != rank:
        return ((),) * made
    if layer.size("filters") is not None:
        return tuple(_new(layer, 0, at, Role.FEATURES) if at == channels else axis for at, axis in enumerate(known))
    return known


def _products(layer: Layer, one: Axes, other: Axes) -> Axes:
    """What is left of both tensors of a Dot without the axes that it sums; the batch is theirs together."""
    asked = layer.settings.get("axes")
    pair = (asked, asked) if isinstance(asked, int) else asked
    if not isinstance(pair, tuple) or len(pair) != 2 or len(one) < 2 or len(other) < 2:
        return ((),) * len(layer.outputs[0].shape)
    summed = pair[0] % len(one), pair[1] % len(other)
    left = [axis for place, axis in enumerate(one) if place != summed[0]]
    return (*left, *(axis for place, axis in enumerate(other) if place not in (0, summed[1])))
