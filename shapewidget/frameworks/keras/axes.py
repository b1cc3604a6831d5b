"""What the axes of a batch mean: which is the batch, which the sequence, which a picture's height and width.

An axis for which the model was built with one size has no name: it is no symbol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from shapewidget.errors import InputError

Names = tuple[str, ...]
Array = np.ndarray[Any, Any]

_SYMBOLS = {"b": "B", "batch": "B", "t": "T", "time": "T", "h": "H", "height": "H", "w": "W", "width": "W"}
_SPACE = {4: ("H", "W"), 5: ("D", "H", "W")}


def input_names(arrays: Sequence[Array], declared: Sequence[tuple[int | None, ...]], axes: Any) -> tuple[Names, ...]:
    """Names of the axes of the inputs.

    Args:
        arrays: The inputs, in order.
        declared: The shapes that the model was built with.
        axes: What the user says they mean: "B T F" for the first, or a tuple with an entry for each.

    Raises:
        InputError: The user named another number of axes than an input has.
    """
    given = (axes,) if isinstance(axes, str) else tuple(axes or ())
    if len(given) > len(arrays):
        raise InputError(f"axes has {len(given)} entries for {len(arrays)} input tensors. Give at most one each.")
    sizes: dict[str, int] = {}
    named = []
    for place, array in enumerate(arrays):
        shape = declared[place] if place < len(declared) else None
        names = _given(given[place], array, place) if place < len(given) else _free(_by_rank(array), array, shape)
        named.append(_remembered(names, array, sizes))
    return tuple(named)


def target_names(array: Array, sizes: Mapping[str, int]) -> Names:
    """Names of the axes of labels, by the sizes of the inputs."""
    usual = ("B", *_SPACE.get(array.ndim, ("T",))) if array.ndim != 3 or "H" not in sizes else ("B", "H", "W")
    names = [""] * array.ndim
    for axis, name in enumerate(usual[: array.ndim]):
        if array.shape[axis] == sizes.get(name):
            names[axis] = name
    return tuple(names)


def named_sizes(arrays: Sequence[Array], named: Sequence[Names]) -> dict[str, int]:
    """The sizes of the named axes: {"B": 32, "T": 100}."""
    return {
        name: int(size)
        for array, names in zip(arrays, named, strict=True)
        for size, name in zip(array.shape, names, strict=True)
        if name
    }


def _by_rank(array: Array) -> list[str]:
    """The batch; the sequence of token ids and of 3-D floats; height and width of 4-D floats."""
    rank, is_float = array.ndim, np.issubdtype(array.dtype, np.floating)
    if not rank:
        return []
    names = ["B"] + [""] * (rank - 1)
    if rank == 3 or (rank == 2 and not is_float):
        names[1] = "T"
    elif rank in _SPACE:
        start = 1 if keras.config.image_data_format() == "channels_last" else 2
        names[start : start + len(_SPACE[rank])] = _SPACE[rank]
    return names


def _free(names: list[str], array: Array, declared: tuple[int | None, ...] | None) -> list[str]:
    """Without the axes that the model has a size for; of an input of another rank nothing is free."""
    if declared is None:
        return names
    if len(declared) != array.ndim:
        return [""] * array.ndim
    return [name if not axis or declared[axis] is None else "" for axis, name in enumerate(names)]


def _given(entry: object, array: Array, place: int) -> list[str]:
    words = str(entry).split()
    if len(words) != array.ndim:
        raise InputError(
            f"axes names {len(words)} axes of input {place} ({entry!r}), and it has {array.ndim}. Give one name for "
            "each axis, as in 'B T F'."
        )
    return [_SYMBOLS.get(word.lower(), "") for word in words]


def _remembered(names: Sequence[str], array: Array, sizes: dict[str, int]) -> Names:
    """A name that already has another size becomes "T2", "T3"; the batch of an input that is none has no name."""
    kept = []
    for name, size in zip(names, array.shape, strict=True):
        free, count = name, 1
        while free and sizes.setdefault(free, int(size)) != size:
            count += 1
            free = f"{name}{count}" if name != "B" else ""
        kept.append(free)
    return tuple(kept)
