"""Indices, and values to be written, that do not go with the tensor that they are used on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from shapewidget.frameworks.torch.reshaping import fit_axes, fit_to_broadcast
from shapewidget.graph.records import Clash, ClashKind

Fitted = tuple[Clash, Callable[[], Any] | None]


def index_refused(function: Any, args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    """`gather` and `scatter`, whose index has as many axes as the tensor."""
    given, index = args[0] if args else kwargs.get("input"), kwargs.get("index", args[2] if len(args) > 2 else None)
    axis = kwargs.get("dim", args[1] if len(args) > 1 else None)
    if not isinstance(given, torch.Tensor) or not isinstance(index, torch.Tensor) or not isinstance(axis, int):
        return None
    if index.dim() == given.dim():
        return None
    how = "the index given the axes that it lacks"
    clash = Clash("", ClashKind.RANK, 1, None, given.dim(), index.dim(), None, how, error)
    if index.dim() != given.dim() - 1:
        return clash, None
    rest = {name: value for name, value in kwargs.items() if name not in ("input", "dim", "index")}
    return clash, lambda: function(given, axis, index.unsqueeze(axis), *args[3:], **rest).squeeze(axis)


def written_refused(function: Any, args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    """``x[index] = values`` where the values do not broadcast into the part that is written."""
    if len(args) < 3 or not isinstance(args[2], torch.Tensor):
        return None
    given, index, values = args
    part = given[index]
    axes = range(-1, -1 - min(part.dim(), values.dim()), -1)
    axis = next((axis for axis in axes if values.shape[axis] not in (1, part.shape[axis])), None)
    place = 1 + _tensors_in(index)
    if axis is None:
        if values.dim() <= part.dim():
            return None
        return Clash("", ClashKind.RANK, place, None, part.dim(), values.dim(), None, error=error), None
    sizes = part.shape[axis], values.shape[axis]
    how = f"the values fitted to {tuple(part.shape)}"
    clash = Clash("", ClashKind.SIZE, place, axis % values.dim(), *sizes, None, how, error)
    return clash, lambda: function(given, index, fit_to_broadcast(values, part))


def mask_refused(function: Any, args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    """``x[mask]`` with a mask of truth values that has other sizes than the axes that it stands for."""
    given, mask = args[:2] if len(args) > 1 else (None, None)
    is_mask = isinstance(mask, torch.Tensor) and mask.dtype in (torch.bool, torch.uint8)
    if not isinstance(given, torch.Tensor) or not isinstance(mask, torch.Tensor) or not is_mask:
        return None
    if mask.dim() > given.dim():
        return Clash("", ClashKind.RANK, 1, None, given.dim(), mask.dim(), 0, error=error), None
    pairs = zip(given.shape, mask.shape, strict=False)
    axis = next((axis for axis, (size, got) in enumerate(pairs) if size != got), None)
    if axis is None:
        return None
    sizes, how = (given.shape[axis], mask.shape[axis]), f"the mask fitted to {tuple(given.shape[: mask.dim()])}"
    clash = Clash("", ClashKind.SIZE, 1, axis, *sizes, 0, how, error)
    return clash, lambda: function(given, fit_axes(mask, given.shape[: mask.dim()]))


def _tensors_in(index: Any) -> int:
    items = index if isinstance(index, tuple | list) else (index,)
    return sum(isinstance(item, torch.Tensor) for item in items)
