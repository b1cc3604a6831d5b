"""The probe batch: the user's own arrays with names for their axes, or one derived from what the model declares."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from shapewidget.errors import InputError
from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.keras.axes import input_names, named_sizes, target_names
from shapewidget.frameworks.keras.call_form import as_call, labelled
from shapewidget.frameworks.keras.derive import derived
from shapewidget.frameworks.keras.layers import declared_shapes
from shapewidget.frameworks.keras.resize import arrays


def make_batch(model: keras.Model, inputs: Any, targets: Any = None, axes: Any = None) -> Batch:
    """The batch that a probe of the model runs on.

    Args:
        model: Left as found.
        inputs: A tensor or array, a tuple (positional inputs) or a mapping (keyword inputs) of them; None to derive a
            batch from the shapes that the model was built with.
        targets: What the loss compares with, in any nesting.
        axes: Names of the axes of the inputs: "B T F" for the first, or a tuple with an entry for each.

    Raises:
        InputError: The inputs hold no array or no sample, or their axes are named wrongly.
        ProbeInputError: No inputs were given and none can be derived.
    """
    origin = ""
    if inputs is None:
        inputs, origin = derived(model)
    args, kwargs = as_call(model, keras.tree.map_structure(_array, inputs))
    given = list(arrays((args, kwargs)))
    if not given:
        raise InputError(
            f"inputs must hold at least one tensor or array, got {type(inputs).__name__}. Give one batch of what the "
            "model is called with: an array, a tuple of positional inputs, or a dict."
        )
    named = input_names(given, declared_shapes(model), axes)
    for (label, array), names in zip(labelled(model, args, kwargs), named, strict=False):
        if "B" in names and array.shape[names.index("B")] == 0:
            raise InputError(
                f"`{label}` has shape {tuple(array.shape)}: axis {names.index('B')} is empty, so there is nothing to "
                "run on. Give a batch with at least one sample in it; two or more tell most."
            )
    if any(getattr(layer, "stateful", False) for layer in model._flatten_layers()):
        named = tuple(tuple("" if name == "B" else name for name in names) for names in named)
    targets = keras.tree.map_structure(_array, targets) if targets is not None else None
    sizes = named_sizes(given, named)
    return Batch(args, kwargs, targets, named, tuple(target_names(array, sizes) for array in arrays(targets)), origin)


def _array(value: Any) -> Any:
    """A copy of its own, so that nothing that runs can write into the user's."""
    if isinstance(value, list) and value and isinstance(value[0], int | float):
        return np.asarray(value)
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return np.array(keras.ops.convert_to_numpy(value) if not isinstance(value, np.ndarray) else value)
    return value
