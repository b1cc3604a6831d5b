"""Arrays of any framework in a nesting of tuples, lists and dicts: their names and shapes, and where samples part."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from shapewidget.graph.batches import Disagreement, Part
from shapewidget.graph.records import TensorSpec

_MOST_PARTS = 64
_SCALARS = (bool, int, float, str, bytes)


def is_array(value: Any) -> bool:
    """Whether it is a tensor or an array of any framework."""
    return hasattr(value, "shape") and hasattr(value, "dtype") and not isinstance(value, type)


def numeric(array: Any) -> Any:
    """The array in a form that is indexed and compared as NumPy's are: a tensor of TensorFlow is neither.

    A ragged one is filled up with zeros.
    """
    if hasattr(array, "bounding_shape"):
        array = array.to_tensor()
    return array.numpy() if type(array).__module__.startswith("tensorflow") and hasattr(array, "numpy") else array


def _part(name: str, array: Any, is_target: bool) -> Part:
    shape = array.bounding_shape() if hasattr(array, "bounding_shape") else array.shape
    return _made(name, tuple(map(int, shape)), array.dtype, getattr(array, "device", "") or "cpu", is_target)


@lru_cache(maxsize=256)
def _made(name: str, shape: tuple[Any, ...], dtype: Any, device: Any, is_target: bool) -> Part:
    """One record for all the batches of a form: most of a pass has one."""
    kind = getattr(dtype, "name", None) or str(dtype).removeprefix("torch.")
    return Part(name, TensorSpec(shape, kind, str(device)), is_target)


def named_arrays(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every array of a nested value under the subscripts that reach it: "[1]['boxes']"."""
    if is_array(value):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from named_arrays(item, f"{name}[{key!r}]")
    elif _is_packed(value):
        yield name, value.batch_sizes
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from named_arrays(item, f"{name}[{place}]")


def largest_number(value: Any) -> int:
    """The largest of the whole numbers in all arrays, which may be ids; 0 where there are none."""
    whole = [array for _, array in named_arrays(value) if "int" in str(array.dtype) and math.prod(array.shape)]
    return max((int(numeric(array).max()) for array in whole), default=0)


def mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """The nesting with every array in it replaced."""
    if is_array(value):
        return function(value)
    if isinstance(value, Mapping):
        return {key: mapped(item, function) for key, item in value.items()}
    return type(value)(mapped(item, function) for item in value) if type(value) in (list, tuple) else value


def _is_packed(value: Any) -> bool:
    """Whether it is a packed sequence, whose axes are no samples."""
    return hasattr(value, "batch_sizes") and hasattr(value, "data")


def parts(inputs: Any, targets: Any) -> tuple[Part, ...]:
    """The arrays of a batch; what is nested very deep or long is cut off."""
    given, wanted = islice(named_arrays(inputs), _MOST_PARTS), islice(named_arrays(targets), _MOST_PARTS)
    return (
        *(_part(name, array, False) for name, array in given),
        *(_part(name, array, True) for name, array in wanted),
    )


def split(batch: Any, taken: int | None = None) -> tuple[Any, Any]:
    """Inputs and targets of a batch; targets are None where it has no second part.

    Args:
        batch: A tuple or list of both; anything else is the inputs alone.
        taken: How many of its parts the model takes; by default all but the last. The targets come behind them.
    """
    if not isinstance(batch, tuple | list) or _is_packed(batch) or not batch:
        return batch, None
    count = taken if taken is not None and 0 < taken <= len(batch) else max(len(batch) - 1, 1)
    return (batch[0] if count == 1 else tuple(batch[:count])), (batch[count] if count < len(batch) else None)


def size_of(batch: Any) -> int | None:
    """How many samples a batch holds: the items of a list of samples, else the first axis of its first array."""
    if isinstance(batch, list) and batch and all(isinstance(item, tuple) for item in batch):
        return len(batch)
    if _lists_inputs(batch):
        return len(batch[0])
    if _is_packed(batch) or (isinstance(batch, tuple | list) and batch and _is_packed(batch[0])):
        packed = batch if _is_packed(batch) else batch[0]
        return int(packed.batch_sizes[0])
    return next((int(array.shape[0]) for _, array in named_arrays(batch) if len(array.shape)), None)


def _lists_inputs(batch: Any) -> bool:
    """Whether the inputs are kept in a list, with as many labels behind it."""
    if not isinstance(batch, tuple | list) or len(batch) < 2 or not isinstance(batch[0], list):
        return False
    labels = batch[1]
    return len(batch[0]) == (
        len(labels) if isinstance(labels, list) else next(iter(getattr(labels, "shape", ())), None)
    )


def classes_of(targets: Sequence[Any]) -> list[Hashable] | None:
    """The class of every sample; None where one has none, but numbers or boxes."""
    found: list[Hashable] = []
    for each in targets:
        value = numeric(each).item() if is_array(each) and not each.shape else each
        if isinstance(value, Mapping) or not isinstance(value, int | str):
            return None
        found.append(value)
    return found


def disagreement(samples: Sequence[Any], indices: Sequence[int]) -> Disagreement | None:
    """The first two samples that cannot be stacked, and where; None where all can.

    Args:
        samples: The samples of one batch.
        indices: What a person calls them: their indices in the data set.
    """
    return _differ(samples, indices, "") if len(samples) > 1 else None


def _differ(values: Sequence[Any], indices: Sequence[int], field: str) -> Disagreement | None:
    first = values[0]
    if is_array(first) or isinstance(first, _SCALARS):
        return next((d for d in (_of_two(values, indices, place, field) for place in range(1, len(values))) if d), None)
    odd = next((place for place, value in enumerate(values) if type(value) is not type(first)), None)
    if odd is not None:
        return _of_kind(values, indices, odd, field)
    if isinstance(first, Mapping):
        keys: list[Any] = list(first)
        if any(set(value) != set(first) for value in values):
            odd = next(place for place, value in enumerate(values) if set(value) != set(first))
            shown = (", ".join(map(str, first)), ", ".join(map(str, values[odd])))
            return Disagreement(field, (indices[0], indices[odd]), None, shown, len(first), len(values[odd]))
        return _first(([value[key] for value in values], indices, f"{field}[{key!r}]") for key in keys)
    if isinstance(first, list | tuple):
        odd = next((place for place, value in enumerate(values) if len(value) != len(first)), None)
        if odd is not None:
            shown = (f"{len(first)} values", f"{len(values[odd])} values")
            return Disagreement(field, (indices[0], indices[odd]), 0, shown, len(first), len(values[odd]))
        return _first(([value[place] for value in values], indices, f"{field}[{place}]") for place in range(len(first)))
    return _of_kind(values, indices, 0, field)


def _first(columns: Iterator[tuple[Sequence[Any], Sequence[int], str]]) -> Disagreement | None:
    return next((found for column in columns if (found := _differ(*column)) is not None), None)


def _of_two(values: Sequence[Any], indices: Sequence[int], place: int, field: str) -> Disagreement | None:
    one, other = values[0], values[place]
    if is_array(one) != is_array(other) or not (is_array(other) or isinstance(other, _SCALARS)):
        return _of_kind(values, indices, place, field)
    if not is_array(one):
        return None
    shapes = tuple(map(int, one.shape)), tuple(map(int, other.shape))
    if shapes[0] == shapes[1]:
        return None
    axis = next((i for i, (a, b) in enumerate(zip(*shapes, strict=False)) if a != b), None)
    is_rank = len(shapes[0]) != len(shapes[1])
    sizes = (len(shapes[0]), len(shapes[1])) if is_rank or axis is None else (shapes[0][axis], shapes[1][axis])
    shown = (str(shapes[0]), str(shapes[1]))
    return Disagreement(field, (indices[0], indices[place]), None if is_rank else axis, shown, *sizes)


def _of_kind(values: Sequence[Any], indices: Sequence[int], place: int, field: str) -> Disagreement:
    kinds = (type(values[0]).__name__, type(values[place]).__name__)
    return Disagreement(field, (indices[0], indices[place]), None, kinds, *kinds)
