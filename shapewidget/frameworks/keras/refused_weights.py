"""What a layer refuses about the weights that it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from shapewidget.frameworks.keras.layers import declared_sizes
from shapewidget.graph.records import Clash, ClashKind


def refused_weights(layer: keras.layers.Layer, weights: Sequence[Any], error: str) -> tuple[Clash, dict[str, object]]:
    """The first weight of another shape, or how many there are; and what a rule has to know besides.

    Args:
        layer: What was to take them.
        weights: What `set_weights` was given.
        error: Text of the error, kept for the record only.
    """
    settings: dict[str, object] = {"model": type(layer).__name__, "path": layer.name, "holder": "The array given"}
    pairs = [
        (each.name, tuple(each.shape), tuple(given.shape)) for each, given in zip(layer.weights, weights, strict=False)
    ]
    wrong = [(name, own, got) for name, own, got in pairs if own != got]
    if len(layer.weights) != len(weights) or not wrong:
        wanted, got = f"{len(layer.weights)} weights", f"{len(weights)} weights"
        settings |= {"missing": (), "unknown": (), "count": True}
        return Clash("", ClashKind.WEIGHTS, expected=wanted, got=got, error=error), settings
    name, own, given = wrong[0]
    axis = next((axis for axis, (a, b) in enumerate(zip(own, given, strict=False)) if a != b), None)
    settings |= {"key": name, "differing": len(wrong)}
    if axis is not None and len(own) == len(given):
        fitting = [(size.name, given[axis]) for size in declared_sizes(layer) if size.size == own[axis]]
        settings["arguments"] = tuple(fitting[:1])
    return Clash("", ClashKind.WEIGHTS, axis=axis, expected=own, got=given, error=error), settings
