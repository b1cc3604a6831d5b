"""A probe batch made from the model itself: random numbers of the shapes that it was built with."""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from shapewidget.errors import ProbeInputError
from shapewidget.frameworks.keras.axes import Array
from shapewidget.frameworks.keras.guard import same_process_state
from shapewidget.frameworks.keras.layers import declared_shapes
from shapewidget.frameworks.keras.remaking import copy_of

_BATCH, _STEPS, _SIDE = 4, 12, 32


def derived(model: keras.Model) -> tuple[Any, str]:
    """Inputs of the shapes that the model was built with, or such as its layers take, and how they came about.

    Raises:
        ProbeInputError: The model does not say what it takes.
    """
    if not declared_shapes(model) and not getattr(model, "_build_shapes_dict", None):
        return _guessed(model)
    made = [_sample(model, shape, kind) for shape, kind in _built_with(model)]
    origin = f"No inputs were given: {_said(made)} was made from the model's inputs."
    structure = getattr(model, "_inputs_struct", None)
    if isinstance(structure, dict):
        return dict(zip(structure, made, strict=True)), origin
    return (made[0] if len(made) == 1 else tuple(made)), origin


def _said(made: Sequence[Array]) -> str:
    return ", ".join(str(array.shape) for array in made)


def _built_with(model: keras.Model) -> list[tuple[tuple[int | None, ...], str]]:
    """Shape and dtype of every input."""
    shapes = declared_shapes(model)
    if shapes:
        return [(shape, tensor.dtype) for shape, tensor in zip(shapes, keras.tree.flatten(model.inputs), strict=True)]
    known = getattr(model, "_build_shapes_dict", None) or {}
    shapes = [shape for shape in known.values() if isinstance(shape, tuple)]
    if not shapes or len(shapes) != len(known):
        raise ProbeInputError(
            f"The shapes that {type(model).__name__} was built for are not known, so no inputs can be derived from "
            "it. Give one batch of your data: inputs=x."
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


# -- of a model that was never called ---------------------------------------------------------------------------------

_GUESSES: tuple[tuple[tuple[type, ...], tuple[int, ...], str], ...] = (
    ((keras.layers.Embedding,), (_BATCH, _STEPS), "int32"),
    ((keras.layers.Conv2D, keras.layers.MaxPooling2D), (_BATCH, _SIDE, _SIDE, 3), "float32"),
    ((keras.layers.RNN, keras.layers.Bidirectional, keras.layers.Conv1D), (_BATCH, _STEPS, 8), "float32"),
    ((keras.layers.MultiHeadAttention,), (_BATCH, _STEPS, 8), "float32"),
    ((keras.layers.Dense,), (_BATCH, 8), "float32"),
)
"""Layers, and the inputs of a model that has one of them, the most telling first."""


def _guessed(model: keras.Model) -> tuple[Any, str]:
    """The first guess that the model runs through with; else the first, as it may be broken further on."""
    layers = list(model._flatten_layers())
    taken = [(shape, kind) for kinds, shape, kind in _GUESSES if any(isinstance(layer, kinds) for layer in layers)]
    count = _required(model)
    guesses = [tuple(_sample(model, shape, kind) for _ in range(count)) for shape, kind in taken]
    if not guesses or not count:
        raise ProbeInputError(
            f"{type(model).__name__} was not built for any shape yet, and its layers do not tell what it takes. Give "
            "one batch of your data: inputs=x."
        )
    found = next((guess for guess in guesses if _runs(model, guess)), guesses[0])
    return found, f"No inputs were given: {_said(found)} was made, such as its layers take."


def _required(model: keras.Model) -> int:
    """How many inputs `call` asks for."""
    parameters = inspect.signature(model.call).parameters.values()
    return sum(
        each.default is each.empty and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        for each in parameters
    )


def _runs(model: keras.Model, inputs: tuple[Array, ...]) -> bool:
    with same_process_state(), warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")
        copy_of(model)(*inputs)
        return True
    return False
