"""Tensors in whatever a model takes and gives: tuples, dicts, dataclasses, packed sequences."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from shapewidget.graph.records import TensorSpec

_DEEPEST = 6


def leaves(value: Any, depth: int = 0) -> Iterator[torch.Tensor]:
    """Every tensor in a nested value, in order. Objects are looked into, modules and classes are not."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item, depth + 1)
    elif isinstance(value, dict):
        for item in value.values():
            yield from leaves(item, depth + 1)
    elif depth < _DEEPEST and _is_record(value):
        for item in vars(value).values():
            yield from leaves(item, depth + 1)


def _is_record(value: Any) -> bool:
    return hasattr(value, "__dict__") and not isinstance(value, nn.Module | type) and not callable(value)


def flat(value: Any) -> tuple[torch.Tensor, ...]:
    """`leaves` as a tuple; quick for the two usual cases, one tensor and a tuple of one tensor."""
    if isinstance(value, torch.Tensor):
        return (value,)
    if type(value) is tuple and len(value) == 1 and isinstance(value[0], torch.Tensor):
        return value
    return tuple(leaves(value))


def device_of(value: Any) -> torch.device | None:
    """Where the first tensor in a nested value is."""
    return next((tensor.device for tensor in leaves(value)), None)


def mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """The same nesting of lists, tuples and dicts with every tensor changed; other values are kept."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(mapped(item, change) for item in value))
    if isinstance(value, list | tuple):
        return type(value)(mapped(item, change) for item in value)
    if isinstance(value, dict):
        return {key: mapped(item, change) for key, item in value.items()}
    return value


def spec(tensor: torch.Tensor) -> TensorSpec:
    """Shape, dtype and device of a tensor."""
    return _spec(tensor.shape, tensor.dtype, tensor.device)


@functools.lru_cache(maxsize=4096)
def _spec(shape: torch.Size, dtype: torch.dtype, device: torch.device) -> TensorSpec:
    """One record for all tensors of a form: a deep model has thousands of few forms."""
    return TensorSpec(tuple(shape), str(dtype).removeprefix("torch."), str(device))


def storage_of(tensor: torch.Tensor) -> torch.UntypedStorage | None:
    """The memory behind a tensor, the same object for all its views; None for a tensor that has none of its own."""
    try:
        return tensor.untyped_storage()
    except (RuntimeError, NotImplementedError, ValueError):  # the last of a parameter that is not made yet
        return None
