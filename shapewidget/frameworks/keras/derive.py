"""A probe batch made from the model itself: random numbers of the shapes that it was built with."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from shapewidget.errors import ProbeInputError
from shapewidget.frameworks.keras.axes import Array
from shapewidget.frameworks.keras.layers import declared_shapes

_BATCH, _STEPS, _SIDE = 4, 12, 32


def derived(model: keras.Model) -> tuple[Any, str]:
    """Inputs of the shapes that the model was built with, and how they came about.

    Raises:
        ProbeInputError: The model was not built yet, or does not say for what.
    """
    made = [_sample(model, shape, kind) for shape, kind in _built_with(model)]
    said = ", ".join(str(array.shape) for array in made)
    origin = f"No inputs were given: {said} was made from the model's inputs."
    structure = getattr(model, "_inputs_struct", None)
    if isinstance(structure, dict):
        return dict(zip(structure, made, strict=True)), origin
    return (made[0] if len(made) == 1 else tuple(made)), origin


def _built_with(model: keras.Model) -> list[tuple[tuple[int | None, ...], str]]:
    """Shape and dtype of every input."""
    shapes = declared_shapes(model)
    if shapes:
        return [(shape, tensor.dtype) for shape, tensor in zip(shapes, keras.tree.flatten(model.inputs), strict=True)]
    known = getattr(model, "_build_shapes_dict", None) or {}
    shapes = [shape for shape in known.values() if isinstance(shape, tuple)]
    if not shapes or len(shapes) != len(known):
        raise ProbeInputError(
            f"{type(model).__name__} was not built for any shape yet, so no inputs can be derived from it. Give "
            "one batch of your data: inputs=x."
        )
    return [(shape, "int32" if _embeds(model) and len(shape) == 2 else "float32") for shape in shapes]


def _embeds(model: keras.Model) -> bool:
    return any(isinstance(layer, keras.layers.Embedding) for layer in model._flatten_layers())


def _sample(model: keras.Model, shape: tuple[int | None, ...], kind: str) -> Array:
    free = [_BATCH] + [_STEPS if len(shape) < 4 else _SIDE] * (len(shape) - 1)
    sizes = [free[axis] if size is None else size for axis, size in enumerate(shape)]
    generator = np.random.default_rng(0)
    if kind.startswith(("float", "bfloat")) and not (len(shape) == 2 and _feeds_ids(model)):
        return generator.normal(size=sizes).astype("float32")
    words = [layer.input_dim for layer in model._flatten_layers() if isinstance(layer, keras.layers.Embedding)]
    return generator.integers(0, min(words, default=2), sizes).astype("int32")


def _feeds_ids(model: keras.Model) -> bool:
    """Whether the only input goes into an Embedding: `Input((None,))` is of floats unless one says otherwise."""
    inner = [layer for layer in getattr(model, "layers", []) if not isinstance(layer, keras.layers.InputLayer)]
    return bool(inner) and isinstance(inner[0], keras.layers.Embedding)
