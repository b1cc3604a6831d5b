"""What `scaled_dot_product_attention` refuses: queries, keys and values that do not go together, and masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from shapewidget.frameworks.torch.reshaping import fit, fit_axes
from shapewidget.frameworks.torch.tensors import flat
from shapewidget.graph.records import Clash, ClashKind

Fitted = tuple[Clash, Callable[[], Any] | None]

_NAMES = ("query", "key", "value", "attn_mask")


def scaled_attention_refused(function: Any, args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    """The first of its tensors that does not go with those before it, and a call without the misfit."""
    given: dict[str, Any] = {**dict(zip(_NAMES, args, strict=False)), **kwargs}
    query: Any
    key: Any
    value: Any
    query, key, value = (given.get(name) for name in _NAMES[:3])
    if not all(isinstance(each, torch.Tensor) and each.dim() > 1 for each in (query, key, value)):
        return None
    read = flat((args, dict(kwargs)) if kwargs else args)
    place = {name: next((at for at, each in enumerate(read) if each is given.get(name)), 0) for name in _NAMES}
    odd = _odd_axis(query, key, value)
    if odd is not None:
        name, other, axis = odd
        sizes = given[other].shape[axis], given[name].shape[axis]
        how = "the keys and values fitted to the queries"
        where = axis % given[name].dim()
        clash = Clash("", ClashKind.SIZE, place[name], where, sizes[0], sizes[1], place[other], how, error)
        return clash, lambda: function(query, *_fitted(query, key, value))
    return _mask_refused(function, given, place["attn_mask"], error)


def _odd_axis(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> tuple[str, str, int] | None:
    """The tensor at fault, the one that it is held against, and the axis, counted from the last."""
    if key.shape[-1] != query.shape[-1]:
        return "key", "query", -1
    if value.shape[-2] != key.shape[-2]:
        return "value", "key", -2
    for name, tensor in (("key", key), ("value", value)):
        for axis in range(-3, -1 - min(query.dim(), tensor.dim()), -1):
            if tensor.shape[axis] != query.shape[axis] and 1 not in (tensor.shape[axis], query.shape[axis]):
                return name, "query", axis
    return None


def _fitted(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    lead = query.shape[:-2]
    key = fit_axes(fit(key, -1, query.shape[-1]), lead) if key.dim() == query.dim() else fit(key, -1, query.shape[-1])
    value = fit_axes(value, lead) if value.dim() == query.dim() else value
    return key, fit(value, -2, key.shape[-2])


def _mask_refused(function: Any, given: Mapping[str, Any], place: int, error: str) -> Fitted | None:
    query, key, value, mask = (given.get(name) for name in _NAMES)
    if not isinstance(mask, torch.Tensor) or query is None or key is None:
        return None
    how, others = "the mask left out", {name: each for name, each in given.items() if name not in _NAMES}

    def run() -> Any:
        return function(query, key, value, **others)

    if mask.dtype not in (torch.bool, query.dtype):
        wanted = query.dtype if mask.is_floating_point() else torch.bool
        expected, got = (str(dtype).removeprefix("torch.") for dtype in (wanted, mask.dtype))
        return Clash("", ClashKind.DTYPE, place, None, expected, got, None, how, error), run
    scores = (*query.shape[:-1], key.shape[-2])
    met = zip(range(-1, -1 - mask.dim(), -1), scores[::-1], strict=False)
    axis = next((axis for axis, size in met if mask.shape[axis] not in (1, size)), None)
    if axis is not None:
        sizes = scores[axis], mask.shape[axis]
        return Clash("", ClashKind.SIZE, place, axis % mask.dim(), *sizes, None, how, error), run
    if not 2 <= mask.dim() <= len(scores):
        return Clash("", ClashKind.RANK, place, None, len(scores), mask.dim(), None, how, error), run
    return None
