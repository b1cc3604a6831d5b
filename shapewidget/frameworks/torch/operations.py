"""What the functions between layers take, and how to fit tensors that they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from shapewidget.frameworks.torch.divisions import operation_not_divided, parts_refused
from shapewidget.frameworks.torch.fixed_ranks import OF_FIXED_RANK, rank_not_taken
from shapewidget.frameworks.torch.index_refusals import index_refused, mask_refused, written_refused
from shapewidget.frameworks.torch.loss_refusals import LOSSES, loss_refused
from shapewidget.frameworks.torch.reshaping import fit, fit_axes, fit_to_broadcast
from shapewidget.frameworks.torch.scaled_attention import scaled_attention_refused
from shapewidget.frameworks.torch.subscripts import axis_missing, letters_of_two_sizes
from shapewidget.frameworks.torch.tensors import flat
from shapewidget.graph.records import Clash, ClashKind

Fitted = tuple[Clash, Callable[[], Any] | None]

_ELEMENTWISE = frozenset(
    "add sub mul div true_divide floor_divide pow remainder maximum minimum where eq ne lt le gt ge "
    "logical_and logical_or bitwise_and bitwise_or lerp atan2 masked_fill".split()
)


def repair_function(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted:
    """What a function refused about its tensors, and a call that it takes (None where there is none)."""
    name = function.__name__.strip("_").removesuffix("_")
    name = name[1:] if name[:1] in "ri" and name[1:] in _ELEMENTWISE else name
    name = "div" if name in ("truediv", "rtruediv", "itruediv") else name
    for names, fitter in _FITTERS:
        if name in names:
            found = fitter(function, args, kwargs, error)
            if found is not None:
                return found
    found = letters_of_two_sizes(args, kwargs, error) if name == "einsum" else axis_missing(name, args, kwargs, error)
    return found or (_of_another_kind(args, kwargs, error) or Clash("", ClashKind.OTHER, error=error), None)


def _of_another_kind(args: Any, kwargs: Mapping[str, Any], error: str) -> Clash | None:
    """Tensors of one call that lie on two devices, or are floats of two dtypes; no shape is wrong then."""
    tensors = flat((args, dict(kwargs)))
    if len(tensors) < 2:
        return None
    first = tensors[0]
    for place, tensor in enumerate(tensors):
        if tensor.device != first.device and tensor.dim():
            return Clash("", ClashKind.DEVICE, place, None, str(first.device), str(tensor.device), error=error)
        if tensor.dtype != first.dtype and tensor.is_floating_point() and first.is_floating_point():
            names = [str(each.dtype).removeprefix("torch.") for each in (first, tensor)]
            return Clash("", ClashKind.DTYPE, place, None, names[0], names[1], error=error)
    return None


def _elementwise(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    places = [place for place, value in enumerate(args) if isinstance(value, torch.Tensor)][-2:]
    if len(places) < 2:
        return None
    left, right = args[places[0]], args[places[1]]
    clashing = [
        axis
        for axis in range(-1, -1 - min(left.dim(), right.dim()), -1)
        if left.shape[axis] != right.shape[axis] and 1 not in (left.shape[axis], right.shape[axis])
    ]
    if not clashing:
        return None
    axis = clashing[0]
    clash = Clash(
        "",
        ClashKind.SIZE,
        1,
        axis % right.dim(),
        left.shape[axis],
        right.shape[axis],
        0,
        "the second fitted to the first",
        error,
    )
    fitted = list(args)
    fitted[places[1]] = fit_to_broadcast(right, left)
    return clash, lambda: function(*fitted, **kwargs)


def _expanded(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    """``mean.expand_as(x)`` or ``mean.expand(8, 3)`` of a tensor that has another size, other than 1, on an axis."""
    given, other = args[0], args[1:] or tuple(kwargs.values())
    is_as = len(other) == 1 and isinstance(other[0], torch.Tensor)
    asked = tuple(other[0].shape) if is_as else tuple(other[0] if len(other) == 1 else other)
    missing = len(asked) - given.dim()
    if not all(isinstance(size, int) for size in asked) or missing < 0 or -1 in asked[:missing]:
        return None
    sizes = tuple(given.shape[at] if size == -1 else size for at, size in enumerate(asked, -len(asked)))
    for axis in range(-1, -1 - given.dim(), -1):
        if given.shape[axis] not in (1, asked[axis]) and asked[axis] != -1:
            place, how = axis % given.dim(), "the tensor fitted to the sizes"
            clash = (
                Clash("", ClashKind.SIZE, 0, place, asked[axis], given.shape[axis], 1, how, error)
                if is_as
                else Clash("", ClashKind.SIZE, 0, place, asked, tuple(given.shape), None, how, error)
            )
            return clash, lambda: fit_to_broadcast(given, given.new_empty(sizes)).expand(sizes)
    return None


def _assigned(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    """``buffer[rows] = value`` of a value that has another size than the rows."""
    tensor, index, value = args
    if not isinstance(value, torch.Tensor):
        return None
    slot = tensor[index]
    for back in range(1, min(slot.dim(), value.dim()) + 1):
        if value.shape[-back] not in (1, slot.shape[-back]):
            sizes, place = (slot.shape[-back], value.shape[-back]), len(flat((args, dict(kwargs)))) - 1
            axis = value.dim() - back
            clash = Clash("", ClashKind.SIZE, place, axis, *sizes, 0, "the value fitted to the place", error)
            return clash, lambda: function(tensor, index, fit_to_broadcast(value, slot))
    return None


def _concatenation(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    tensors = list(args[0] if args else kwargs["tensors"])
    along = kwargs.get("dim", kwargs.get("axis", args[1] if len(args) > 1 else 0))
    first = tensors[0]
    odd = next((place for place, tensor in enumerate(tensors) if tensor.dim() != first.dim()), None)
    if odd is not None:
        return Clash("", ClashKind.RANK, odd, None, first.dim(), tensors[odd].dim(), 0, error=error), None
    if not -first.dim() <= along < first.dim():
        least = along + 1 if along >= 0 else -along
        is_new = along == first.dim() and len({tensor.shape for tensor in tensors}) == 1
        how = "stacked along an axis of their own" if is_new else ""
        clash = Clash("", ClashKind.RANK, 0, None, least, first.dim(), None, how, error)
        return clash, (lambda: torch.stack(tensors, along)) if is_new else None
    along %= first.dim()
    for place, tensor in enumerate(tensors):
        for axis in range(first.dim()):
            if axis != along and tensor.shape[axis] != first.shape[axis]:
                clash = Clash(
                    "", ClashKind.SIZE, place, axis, first.shape[axis], tensor.shape[axis], 0,
                    "the others fitted to the first", error,
                )  # fmt: skip
                return clash, lambda: function([fit_axes(t, first.shape, (along,)) for t in tensors], along)
    return None


def _stacking(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    tensors = list(args[0] if args else kwargs["tensors"])
    first = tensors[0]
    odd = next((place for place, tensor in enumerate(tensors) if tensor.shape != first.shape), None)
    if odd is None:
        return None
    if tensors[odd].dim() != first.dim():
        return Clash("", ClashKind.RANK, odd, None, first.dim(), tensors[odd].dim(), 0, error=error), None
    axis = next(axis for axis in range(first.dim()) if tensors[odd].shape[axis] != first.shape[axis])
    clash = Clash(
        "", ClashKind.SIZE, odd, axis, first.shape[axis], tensors[odd].shape[axis], 0,
        "the others fitted to the first", error,
    )  # fmt: skip
    return clash, lambda: function([fit_axes(t, first.shape) for t in tensors], *args[1:], **kwargs)


def _matrix_product(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    if len(args) < 2 or not all(isinstance(value, torch.Tensor) and value.dim() for value in args[:2]):
        return None
    left, right = args[:2]
    axis = -2 if right.dim() > 1 else -1
    if left.shape[-1] != right.shape[axis]:
        clash = Clash(
            "", ClashKind.SIZE, 1, axis % right.dim(), left.shape[-1], right.shape[axis], 0,
            "the second fitted to the first", error,
        )  # fmt: skip
        return clash, lambda: function(left, fit(right, axis, left.shape[-1]), *args[2:], **kwargs)
    back = next((each for each in range(3, 1 + min(left.dim(), right.dim())) if _not_batched(function, args, each)), 0)
    if back:
        size, how = left.shape[-back], "the second fitted to the first"
        clash = Clash("", ClashKind.SIZE, 1, right.dim() - back, size, right.shape[-back], 0, how, error)
        return clash, lambda: function(left, fit(right, -back, size), *args[2:], **kwargs)
    return None


def _not_batched(function: Callable[..., Any], args: Any, back: int) -> bool:
    """Whether two stacks of matrices differ in an axis in front; a size of 1 will do, but not for `bmm`."""
    sizes = [tensor.shape[-back] for tensor in args[:2]]
    return sizes[0] != sizes[1] and (function.__name__ == "bmm" or 1 not in sizes)


def _linear(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    given, weight = args[0], args[1] if len(args) > 1 else kwargs["weight"]
    if given.shape[-1] == weight.shape[1]:
        return None
    how = f"the input fitted to {weight.shape[1]}"
    clash = Clash("", ClashKind.SIZE, 0, given.dim() - 1, weight.shape[1], given.shape[-1], 1, how, error)
    return clash, lambda: function(fit(given, -1, weight.shape[1]), *args[1:], **kwargs)


def _reshape(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    given = args[0]
    asked = args[1] if len(args) == 2 and not isinstance(args[1], int) else args[1:] or kwargs.get("shape", ())
    if not all(isinstance(size, int) for size in asked):
        return None
    asked = tuple(asked)
    fixed = math.prod(size for size in asked if size != -1)
    if fixed <= 0:
        return None
    fits = given.numel() % fixed == 0 if -1 in asked else given.numel() == fixed
    if fits:
        strides = f"strides {given.stride()}"
        clash = Clash("", ClashKind.OTHER, 0, None, "contiguous memory", strides, None, "copied first", error)
        return clash, lambda: given.reshape(asked)
    wanted = fixed * max(1, -(-given.numel() // fixed)) if -1 in asked else fixed
    clash = Clash(
        "", ClashKind.SIZE, 0, None, asked, tuple(given.shape), None,
        f"{given.numel()} values cut or padded to {wanted}", error,
    )  # fmt: skip
    return clash, lambda: fit(given.reshape(-1), 0, wanted).reshape(asked)


_FITTERS: tuple[tuple[frozenset[str], Callable[..., Fitted | None]], ...] = (
    (_ELEMENTWISE, _elementwise),
    (frozenset(("expand", "expand_as", "broadcast_to")), _expanded),
    (frozenset(("cat", "concat", "concatenate")), _concatenation),
    (frozenset(("stack",)), _stacking),
    (frozenset(("setitem",)), _assigned),
    (OF_FIXED_RANK, rank_not_taken),
    (frozenset(("matmul", "bmm", "mm", "rmatmul", "mv")), _matrix_product),
    (frozenset(("linear",)), _linear),
    (frozenset(("view", "reshape")), _reshape),
    (frozenset(("gather", "scatter", "scatter_add", "scatter_reduce", "take_along_dim")), index_refused),
    (frozenset(("setitem",)), written_refused),
    (frozenset(("getitem", "index")), mask_refused),
    (frozenset(("split", "split_with_sizes")), parts_refused),
    (frozenset(("pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "glu")), operation_not_divided),
    (frozenset(("scaled_dot_product_attention",)), scaled_attention_refused),
    (LOSSES, loss_refused),
)
