"""The probe batch: the user's own arrays with names for their axes, or one derived from what the model declares."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from shapewidget.errors import InputError, ProbeInputError
from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.keras.layers import declared_shapes

Names = tuple[str, ...]
_BATCH, _STEPS, _SIDE = 4, 12, 32


def make_batch(model: keras.Model, inputs: Any, targets: Any = None, axes: Any = None) -> Batch:
    """The batch that a probe of the model runs on.

    Args:
        model: Left as found.
        inputs: A tensor or array, a tuple (positional inputs) or a mapping (keyword inputs) of them; None to derive a
            batch from the shapes that the model was built with.
        targets: What the loss compares with, in any nesting.
        axes: Names of the axes of the inputs: "B T F" for the first, or a tuple with an entry for each.

    Raises:
        InputError: The inputs hold no array, or their axes are named wrongly.
        ProbeInputError: No inputs were given and none can be derived.
    """
    origin = ""
    if inputs is None:
        inputs, origin = derived(model)
    args, kwargs = _as_call(model, keras.tree.map_structure(_array, inputs))
    arrays = list(_arrays((args, kwargs)))
    if not arrays:
        raise InputError(
            f"inputs must hold at least one tensor or array, got {type(inputs).__name__}. Give one batch of what the "
            "model is called with: an array, a tuple of positional inputs, or a dict."
        )
    named = tuple(_named(array, _declared(model, place)) for place, array in enumerate(arrays))
    if any(getattr(layer, "stateful", False) for layer in model._flatten_layers()):
        named = tuple(tuple("" if name == "B" else name for name in names) for names in named)
    named = _given(axes, arrays, named)
    targets = keras.tree.map_structure(_array, targets) if targets is not None else None
    sizes = sizes_of(arrays, named)
    return Batch(args, kwargs, targets, named, tuple(_target(array, sizes) for array in _arrays(targets)), origin)


def _array(value: Any) -> Any:
    """A copy of its own, so that nothing that runs can write into the user's."""
    if isinstance(value, list) and value and isinstance(value[0], int | float):
        return np.asarray(value)
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return np.array(keras.ops.convert_to_numpy(value) if not isinstance(value, np.ndarray) else value)
    return value


def _arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    for item in keras.tree.flatten(value):
        if isinstance(item, np.ndarray):
            yield item


def _as_call(model: keras.Model, inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of the call: a model of layers takes one structure, a class of its own what its `call` names."""
    is_structure = isinstance(model, keras.Sequential) or type(model).__name__ == "Functional" or _is_functional(model)
    if isinstance(inputs, Mapping):
        taken = inspect.signature(model.call).parameters
        if not is_structure and set(inputs) <= set(taken):
            return (), dict(inputs)
        return (dict(inputs),), {}
    if not isinstance(inputs, tuple):
        return (inputs,), {}
    if is_structure:
        return (list(inputs) if len(inputs) > 1 else inputs[0],), {}
    return (inputs, {}) if len(inputs) <= _positional(model) else ((inputs,), {})


def _is_functional(model: keras.Model) -> bool:
    return bool(declared_shapes(model))


def _positional(model: keras.Model) -> int:
    parameters = inspect.signature(model.call).parameters.values()
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return 10**6
    plain = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    return len([each for each in plain if each.name not in ("training", "mask")])


def _declared(model: keras.Model, place: int) -> tuple[int | None, ...] | None:
    shapes = declared_shapes(model)
    return shapes[place] if place < len(shapes) else None


def _named(array: np.ndarray[Any, Any], declared: tuple[int | None, ...] | None) -> Names:
    """The batch, and the sequence of token ids and of 3-D floats; an axis that the model has a size for has no name."""
    names = [""] * array.ndim
    if array.ndim:
        names[0] = "B"
    is_sequence = array.ndim == 3 or (array.ndim == 2 and not np.issubdtype(array.dtype, np.floating))
    if is_sequence:
        names[1] = "T"
    if declared is not None:
        is_same_rank = len(declared) == array.ndim
        fixed = [axis for axis in range(array.ndim) if not is_same_rank or (axis and declared[axis] is not None)]
        names = ["" if axis in fixed else name for axis, name in enumerate(names)]
    return tuple(names)


def _given(axes: Any, arrays: Sequence[np.ndarray[Any, Any]], named: tuple[Names, ...]) -> tuple[Names, ...]:
    entries = (axes,) if isinstance(axes, str) else tuple(axes or ())
    found = list(named)
    for place, entry in enumerate(entries):
        names = tuple(str(entry).split())
        if place >= len(arrays) or len(names) != arrays[place].ndim:
            raise InputError(
                f"axes names {len(names)} axes of input {place} ({entry!r}), and it has "
                f"{arrays[place].ndim if place < len(arrays) else 'none'}. Give one name for each axis, as in 'B T F'."
            )
        found[place] = tuple(name if name in ("B", "T") else "" for name in names)
    return tuple(found)


def _target(array: np.ndarray[Any, Any], sizes: Mapping[str, int]) -> Names:
    names = [""] * array.ndim
    if array.ndim and array.shape[0] == sizes.get("B"):
        names[0] = "B"
    if array.ndim > 1 and array.shape[1] == sizes.get("T"):
        names[1] = "T"
    return tuple(names)


def sizes_of(arrays: Sequence[np.ndarray[Any, Any]], named: Sequence[Names]) -> dict[str, int]:
    """The named sizes; where two arrays disagree, the first one's."""
    sizes: dict[str, int] = {}
    for array, names in zip(arrays, named, strict=True):
        for size, name in zip(array.shape, names, strict=True):
            if name:
                sizes.setdefault(name, int(size))
    return sizes


def batch_sizes(batch: Batch) -> dict[str, int]:
    """The named sizes of a batch."""
    return sizes_of(list(_arrays((batch.args, dict(batch.kwargs)))), batch.axes)


def resized(batch: Batch, sizes: Mapping[str, int]) -> Batch:
    """The batch cropped, or tiled with its own samples, so that dtype and values stay legal."""
    old = batch_sizes(batch)
    unknown = [name for name in sizes if name not in old]
    if unknown:
        raise InputError(f"The batch has no axis {unknown[0]!r} to resize; it has {', '.join(old) or 'no named axis'}.")
    new = {**old, **sizes}

    def change(value: Any, names: Iterator[Names]) -> Any:
        return keras.tree.map_structure(
            lambda item: _fitted(item, next(names), new) if isinstance(item, np.ndarray) else item, value
        )

    args, kwargs = change((batch.args, dict(batch.kwargs)), iter(batch.axes))
    targets = change(batch.targets, iter(batch.target_axes)) if batch.targets is not None else None
    return Batch(args, kwargs, targets, batch.axes, batch.target_axes, batch.origin)


def _fitted(array: np.ndarray[Any, Any], names: Names, sizes: Mapping[str, int]) -> np.ndarray[Any, Any]:
    for axis, name in enumerate(names):
        if name and array.shape[axis] != sizes[name] and array.shape[axis]:
            array = np.take(array, np.arange(sizes[name]) % array.shape[axis], axis)
    return array


def derived(model: keras.Model) -> tuple[Any, str]:
    """Inputs of the shapes that the model was built with, and how they came about.

    Raises:
        ProbeInputError: The model was not built yet, or does not say for what.
    """
    shapes, kinds = (
        declared_shapes(model),
        [tensor.dtype for tensor in keras.tree.flatten(getattr(model, "inputs", None) or [])],
    )
    if not shapes:
        known = getattr(model, "_build_shapes_dict", None) or {}
        shapes = [shape for shape in known.values() if isinstance(shape, tuple)]
        kinds = ["int32" if _reads_ids(model) and len(shape) == 2 else "float32" for shape in shapes]
        if not shapes or len(shapes) != len(known):
            raise ProbeInputError(
                f"{type(model).__name__} was not built for any shape yet, so no inputs can be derived from it. Give "
                "one batch of your data: inputs=x."
            )
    arrays = [_sample(model, shape, kind) for shape, kind in zip(shapes, kinds, strict=True)]
    said = ", ".join(str(array.shape) for array in arrays)
    structure = getattr(model, "_inputs_struct", None)
    if isinstance(structure, dict):
        return dict(
            zip(structure, arrays, strict=True)
        ), f"No inputs were given: {said} was made from the model's inputs."
    values = arrays[0] if len(arrays) == 1 else tuple(arrays)
    return values, f"No inputs were given: {said} was made from the model's inputs."


def _reads_ids(model: keras.Model) -> bool:
    return any(isinstance(layer, keras.layers.Embedding) for layer in model._flatten_layers())


def _sample(model: keras.Model, shape: tuple[int | None, ...], kind: str) -> np.ndarray[Any, Any]:
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
