"""How two models compare, layer by layer, also before either of them is built."""

from __future__ import annotations

import keras

from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.frameworks.keras.layers import BUILT_FOR, declared_sizes, is_keras_own

_NO_SETTINGS = ("built", "name")
Likeness = list[tuple[str, dict[str, object]]]
"""Class and sizes of every layer, in order."""


def likeness(model: keras.Model) -> Likeness:
    """What the layers of a model were made as."""
    return [(type(layer).__name__, _sizes(layer)) for layer in model._flatten_layers(include_self=False)]


def difference(made: keras.Model, model: keras.Model) -> str:
    """The first way in which the layers of `made` differ from the model's, in words; empty if none."""
    ours, theirs = likeness(made), likeness(model)
    for (our_type, our_sizes), (type_, sizes) in zip(ours, theirs, strict=False):
        if our_type != type_:
            return f"a {our_type}, where the model has a {type_}"
        for name, size in sizes.items():
            if our_sizes.get(name) != size:
                return f"a {type_} of {name} = {our_sizes.get(name)}, where the model's is {size}"
    return f"{len(ours)} layers, where the model has {len(theirs)}" if len(ours) != len(theirs) else ""


def is_resized(made: keras.Model, model: keras.Model) -> bool:
    """Whether `made` has the model's layers, some of them in another size."""
    ours, theirs = likeness(made), likeness(model)
    return ours != theirs and [kind for kind, _ in ours] == [kind for kind, _ in theirs]


def width(model: keras.Model) -> int | None:
    """Width of the first recurrent or attention layer."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.RNN):
            return int(getattr(layer.cell, "units", 0)) or None
        if isinstance(layer, keras.layers.MultiHeadAttention):
            return int(layer.key_dim)
    return None


def _sizes(layer: keras.layers.Layer) -> dict[str, object]:
    if is_keras_own(layer):
        return {each.name: each.size for each in declared_sizes(layer) if each.name != BUILT_FOR}
    return {
        name: value
        for name, value in BACKEND.attributes(layer).items()
        if not name.startswith("_") and isinstance(value, bool | int | float | str) and name not in _NO_SETTINGS
    }
