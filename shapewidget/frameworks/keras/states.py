"""What a recurrent layer refuses about the states that it is started from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from shapewidget.frameworks.keras.tensors import UNSEEN
from shapewidget.graph.records import ClashKind

ARGUMENT = "initial_state"


def started(
    layer: keras.layers.Layer, shapes: Sequence[tuple[int, ...]], names: Sequence[str]
) -> Mapping[str, Any] | None:
    """The first state that is not (samples, units) of the layer, as the details of a clash; None where all are.

    Args:
        layer: Any layer; others than recurrent ones refuse nothing here.
        shapes: Of its tensors.
        names: Which argument each of them is.
    """
    sizes = _sizes(layer)
    places = [place for place, name in enumerate(names) if name == ARGUMENT]
    if not sizes or not places or not shapes[0]:
        return None
    if len(places) != len(sizes):
        expected, got = _states(len(sizes)), _states(len(places))
        return {"kind": ClashKind.FORM, "input": places[0], "expected": expected, "got": got}
    for place, size in zip(places, sizes, strict=True):
        given = shapes[place]
        if len(given) != 2:
            return {"kind": ClashKind.RANK, "input": place, "expected": 2, "got": len(given)}
        for axis, wanted in ((1, size), (0, shapes[0][0])):
            if wanted != given[axis] and UNSEEN not in (wanted, given[axis]):
                return {"kind": ClashKind.SIZE, "input": place, "axis": axis, "expected": wanted, "got": given[axis]}
    return None


def _states(count: int) -> str:
    return "1 state" if count == 1 else f"{count} states"


def _sizes(layer: keras.layers.Layer) -> list[int]:
    """The size of every state that the layer keeps; empty of others."""
    parts = [layer.forward_layer, layer.backward_layer] if isinstance(layer, keras.layers.Bidirectional) else [layer]
    found: list[int] = []
    for part in parts:
        size = getattr(part, "state_size", None) if isinstance(part, keras.layers.RNN) else None
        sizes = list(size) if isinstance(size, list | tuple) else [size]
        found += [each for each in sizes if isinstance(each, int)]
    return found
