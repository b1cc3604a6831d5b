"""Functions that are told which axes they work on: the axis is not there, or letters of an einsum have two sizes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch

from shapewidget.frameworks.torch.reshaping import fit
from shapewidget.graph.records import Clash, ClashKind

_ONE_AXIS = frozenset(
    "sum mean max min amax amin std var prod argmax argmin softmax log_softmax cumsum norm logsumexp squeeze "
    "unbind select narrow split chunk flatten size any all sort topk median index_select gather flip".split()
)
_TWO_AXES = frozenset(("transpose", "swapaxes", "movedim"))
Fitted = tuple[Clash, Callable[[], Any] | None]


def axis_missing(name: str, args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    """An operation along an axis that its tensor does not have."""
    given = args[0] if args else kwargs.get("input")
    if not isinstance(given, torch.Tensor):
        return None
    if name == "permute":
        asked = args[1] if len(args) == 2 and isinstance(args[1], tuple | list) else args[1:]
        least = len(asked)
        is_wrong = bool(asked) and least != given.dim()
    else:
        axes = _axes(name, args, kwargs)
        least = max((axis + 1 if axis >= 0 else -axis for axis in axes), default=0)
        is_wrong = least > given.dim()
    return (Clash("", ClashKind.RANK, 0, None, least, given.dim(), error=error), None) if is_wrong else None


def _axes(name: str, args: Any, kwargs: Mapping[str, Any]) -> tuple[int, ...]:
    if name not in _ONE_AXIS | _TWO_AXES:
        return ()
    positional = args[2:3] if name in ("split", "chunk") else args[1:3] if name in _TWO_AXES else args[1:2]
    found = [kwargs[key] for key in ("dim", "axis", "dim0", "dim1", "start_dim", "end_dim") if key in kwargs]
    nested = [value if isinstance(value, tuple | list) else (value,) for value in (*positional, *found)]
    return tuple(axis for axes in nested for axis in axes if isinstance(axis, int) and not isinstance(axis, bool))


def letters_of_two_sizes(args: Any, kwargs: Mapping[str, Any], error: str) -> Fitted | None:
    """An einsum one of whose letters stands for axes of different size."""
    if not args or not isinstance(args[0], str):
        return None
    tensors = args[1] if len(args) == 2 and isinstance(args[1], tuple | list) else args[1:]
    terms = args[0].replace(" ", "").partition("->")[0].split(",")
    if len(terms) != len(tensors) or any("." in term for term in terms):
        return None
    seen: dict[str, tuple[int, int]] = {}
    for place, (term, tensor) in enumerate(zip(terms, tensors, strict=True)):
        if len(term) != tensor.dim():
            return Clash("", ClashKind.RANK, place, None, len(term), tensor.dim(), error=error), None
        for axis, (letter, size) in enumerate(zip(term, tensor.shape, strict=True)):
            first, wanted = seen.setdefault(letter, (place, size))
            if wanted != size and 1 not in (wanted, size):
                how = f"`{letter}` of the later one fitted to {wanted}"
                fitted = [fit(each, axis, wanted) if each is tensor else each for each in tensors]
                clash = Clash("", ClashKind.SIZE, place, axis, wanted, size, first, how, error)
                return clash, functools.partial(torch.einsum, args[0], *fitted)
    return None
