"""Sizes that have to be split into equal parts, and cannot be: channels into groups, a width into heads."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from shapewidget.frameworks.torch.reshaping import fit
from shapewidget.graph.records import Clash, ClashKind

Fitted = tuple[Clash, Callable[[], Any] | None]

_BUILT: tuple[tuple[type[nn.Module], tuple[tuple[str, str], ...]], ...] = (
    (nn.GroupNorm, (("num_channels", "num_groups"),)),
    (_ConvNd, (("in_channels", "groups"), ("out_channels", "groups"))),
    (nn.MultiheadAttention, (("embed_dim", "num_heads"),)),
)
"""What a layer is built with, and by what it has to be divided."""


Unbuilt = tuple[nn.Module, str, str, Mapping[str, Any]]


def refused_by_constructor(trace: TracebackType | None) -> Unbuilt | None:
    """The layer that could not be built, the argument that is divided, the one it is divided by, and all of them."""
    found = None
    while trace is not None:
        frame = trace.tb_frame
        known = frame.f_locals.get("self")
        if frame.f_code.co_name == "__init__" and isinstance(known, nn.Module):
            pairs = next((pairs for kind, pairs in _BUILT if isinstance(known, kind)), ())
            for size, by in pairs:
                values = frame.f_locals.get(size), frame.f_locals.get(by)
                if all(isinstance(value, int) and value > 0 for value in values) and values[0] % values[1]:  # type: ignore[operator]
                    found = known, size, by, dict(frame.f_locals)
        trace = trace.tb_next
    return found


def not_divided(module: nn.Module, args: Any, call: Callable[..., Any], error: str) -> Fitted | None:
    """A layer that splits an axis into equal parts, and is given one that cannot be."""
    given = args[0]
    return _fitted(given, _asked_of(module), lambda fitted: call(fitted, *args[1:]), error)


def operation_not_divided(function: Any, args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    """The same for the function of that name."""
    given = args[0] if args else kwargs.get("input")
    asked = [value for value in (*args[1:], *kwargs.values()) if isinstance(value, int)]
    if not isinstance(given, torch.Tensor):
        return None
    axes = list(_asked(function.__name__, asked[0] if asked else None))
    return _fitted(given, iter(axes), lambda fitted: function(fitted, *args[1:], **kwargs), error)


def _asked_of(module: nn.Module) -> Iterator[tuple[int, int]]:
    if isinstance(module, nn.PixelShuffle):
        yield from _asked("pixel_shuffle", module.upscale_factor)
    elif isinstance(module, nn.PixelUnshuffle):
        yield from _asked("pixel_unshuffle", module.downscale_factor)
    elif isinstance(module, nn.ChannelShuffle):
        yield from _asked("channel_shuffle", module.groups)
    elif isinstance(module, nn.GLU):
        yield from _asked("glu", module.dim)


def _asked(name: str, value: int | None) -> Iterator[tuple[int, int]]:
    """(axis, by what its size has to be divided)."""
    if name == "glu":
        yield (-1 if value is None else value), 2
    elif value is not None and name == "pixel_shuffle":
        yield -3, value**2
    elif value is not None and name == "pixel_unshuffle":
        yield -1, value
        yield -2, value
    elif value is not None and name == "channel_shuffle":
        yield 1, value


def _fitted(
    given: torch.Tensor, asked: Iterator[tuple[int, int]], call: Callable[[torch.Tensor], Any], error: str
) -> Fitted | None:
    for axis, by in asked:
        if -given.dim() <= axis < given.dim() and given.shape[axis] % by:
            size = given.shape[axis]
            enough = size + -size % by
            how = f"axis {axis % given.dim()} padded to {enough}"
            clash = Clash("", ClashKind.DIVISOR, 0, axis % given.dim(), by, size, None, how, error)
            return clash, functools.partial(_padded, given, axis, enough, call)
    return None


def _padded(given: torch.Tensor, axis: int, size: int, call: Callable[[torch.Tensor], Any]) -> Any:
    return call(fit(given, axis, size))


def parts_refused(function: Any, args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    """Parts of given sizes, which do not make up the axis that they are taken off."""
    given, sizes = args[0], args[1] if len(args) > 1 else kwargs.get("split_size_or_sections", kwargs.get("split_size"))
    axis = kwargs.get("dim", args[2] if len(args) > 2 else 0)
    if not isinstance(given, torch.Tensor) or not isinstance(sizes, tuple | list) or not isinstance(axis, int):
        return None
    whole, axis = sum(sizes), axis % given.dim()
    if whole == given.shape[axis] or min(sizes, default=-1) < 0:
        return None
    how = f"axis {axis} fitted to {whole}"
    clash = Clash("", ClashKind.SIZE, 0, axis, whole, given.shape[axis], None, how, error)
    return clash, lambda: torch.split(fit(given, axis, whole), list(sizes), axis)
