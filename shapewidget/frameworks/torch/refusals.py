"""What layers refuse besides a declared width: windows larger than an image, tuples, inputs and masks of attention."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.pooling import _AvgPoolNd, _MaxPoolNd

from shapewidget.frameworks.torch.operations import Fitted
from shapewidget.frameworks.torch.reshaping import fit
from shapewidget.frameworks.torch.tensors import flat
from shapewidget.graph.records import Clash, ClashKind

Call = Callable[..., Any]


def several_given(module: nn.Module, args: Any, call: Call, error: str) -> Fitted | None:
    """A tuple where a layer takes one tensor: what an LSTM gives is its outputs and its states."""
    given = args[0] if args else None
    if not isinstance(given, tuple | list) or not given or not isinstance(given[0], torch.Tensor):
        return None
    kind = "a tuple" if isinstance(given, tuple) else "a list"
    how = "its first tensor taken"
    clash = Clash("", ClashKind.FORM, 0, None, "one tensor", f"{kind} of {len(given)}", repair=how, error=error)
    return clash, lambda: call(given[0], *args[1:])


def window_too_large(module: nn.Module, args: Any, call: Call, error: str) -> Fitted | None:
    """A kernel that does not fit into the image, padding included."""
    given, wanted = args[0], dict(_windows(module, args[0]))
    small = next((axis for axis, least in wanted.items() if given.shape[axis] < least), None)
    if small is None:
        return None
    least, got = f"at least {wanted[small]}", given.shape[small]
    clash = Clash("", ClashKind.SIZE, 0, small, least, got, repair="padded", error=error)
    return clash, lambda: call(_at_least(given, wanted))


def _windows(module: nn.Module, given: torch.Tensor) -> Iterator[tuple[int, int]]:
    """(axis, least size) of every axis that a window slides along."""
    if not isinstance(module, _ConvNd | _MaxPoolNd | _AvgPoolNd) or isinstance(module, _ConvTransposeNd):
        return
    rank = int(type(module).__name__[-2])
    kernel, padding = _each(module.kernel_size, rank), _each(module.padding, rank)
    dilation = _each(getattr(module, "dilation", 1), rank)
    for place, sizes in enumerate(zip(kernel, padding, dilation, strict=True)):
        if all(isinstance(size, int) for size in sizes) and given.dim() >= rank:
            yield given.dim() - rank + place, sizes[2] * (sizes[0] - 1) + 1 - 2 * sizes[1]


def _each(value: Any, rank: int) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,) * rank


def _at_least(given: torch.Tensor, wanted: Mapping[int, int]) -> torch.Tensor:
    for axis, least in wanted.items():
        given = fit(given, axis, max(least, given.shape[axis]))
    return given


def attention_refused(module: nn.Module, args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    """Queries, keys and masks of multi-head attention that do not go together."""
    if not isinstance(module, nn.MultiheadAttention):
        return None
    bound = inspect.signature(module.forward).bind(*args, **kwargs).arguments
    read = flat((args, dict(kwargs)) if kwargs else args)
    query, key, value = bound["query"], bound["key"], bound["value"]

    def clash(name: str, kind: ClashKind, axis: int | None, expected: object, got: object, repair: str = "") -> Clash:
        place = next(place for place, tensor in enumerate(read) if tensor is bound[name])
        return Clash("", kind, place, axis, expected, got, repair=repair, error=error)

    if query.dim() != key.dim():
        return clash("query", ClashKind.RANK, None, key.dim(), query.dim()), None
    for name, tensor, width in (("key", key, module.kdim), ("value", value, module.vdim)):
        if tensor.shape[-1] != width:
            how = f"fitted to {width}"
            found = clash(name, ClashKind.SIZE, tensor.dim() - 1, width, tensor.shape[-1], how)
            return found, lambda: module(query, fit(key, -1, module.kdim), fit(value, -1, module.vdim))
    batch = 0 if module.batch_first else 1
    if query.dim() == 3 and query.shape[batch] != key.shape[batch]:
        return clash("key", ClashKind.SIZE, batch, query.shape[batch], key.shape[batch]), None
    return _mask_refused(module, bound, clash)


def _mask_refused(
    module: nn.MultiheadAttention, bound: Mapping[str, Any], clash: Callable[..., Clash]
) -> Fitted | None:
    query, key = bound["query"], bound["key"]
    batch, time = (0, 1) if module.batch_first else (1, 0)
    is_batched = query.dim() == 3
    steps = (query.shape[time if is_batched else 0], key.shape[time if is_batched else 0])
    padding = (key.shape[batch], steps[1]) if is_batched else (steps[1],)
    samples = query.shape[batch] if is_batched else 1
    each = (samples * module.num_heads, *steps)
    for name, allowed in (("key_padding_mask", (padding,)), ("attn_mask", (steps, each))):
        mask = bound.get(name)
        if mask is not None and tuple(mask.shape) not in allowed:
            wanted = next((shape for shape in allowed if len(shape) == mask.dim()), allowed[0])
            found = clash(name, ClashKind.SIZE, None, wanted, tuple(mask.shape), "the mask left out")
            return found, lambda: module(query, key, bound["value"])
    return None
