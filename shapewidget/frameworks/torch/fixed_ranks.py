"""Functions that take tensors with a fixed number of axes, given one of a batch: products of matrices, `t`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from shapewidget.graph.records import Clash, ClashKind

_TAKEN: Mapping[str, tuple[int, ...]] = {
    "mm": (2, 2), "spmm": (2, 2), "bmm": (3, 3), "mv": (2, 1), "dot": (1, 1), "inner": (1, 1), "t": (2,),
    "addmm": (1, 2, 2), "addmv": (1, 2, 1), "baddbmm": (3, 3, 3),
}  # fmt: skip
"""How many axes each tensor has to have. What is added broadcasts, and is not looked at."""
OF_FIXED_RANK = frozenset(_TAKEN)
_CALL = Callable[[], Any]


def rank_not_taken(
    function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any], error: str
) -> tuple[Clash, _CALL | None] | None:
    """The first tensor with another number of axes than the function takes, and the same for the last axes only."""
    name = function.__name__
    given = args[: len(_TAKEN[name])]
    if len(given) < len(_TAKEN[name]) or not all(isinstance(each, torch.Tensor) for each in given):
        return None
    first = 1 if name in ("addmm", "addmv", "baddbmm") else 0
    for place in range(first, len(given)):
        wanted, got = _TAKEN[name][place], given[place].dim()
        if got > wanted if name == "t" else got != wanted:
            call = _of_the_last_axes(name, given, kwargs)
            how = "done along the last axes" if call is not None else ""
            return Clash("", ClashKind.RANK, place, None, wanted, got, None, how, error), call
    return None


def _of_the_last_axes(name: str, given: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _CALL | None:
    """The function for every matrix of a batch; None where the tensors do not go together that way either."""
    if name == "t":
        return lambda: given[0].transpose(-2, -1)
    if name == "dot":
        return lambda: (given[0] * given[1]).sum(-1)
    left, right = given[-2:]
    if right.dim() == 2 and left.dim() > 2 and left.shape[1:].numel() == right.shape[0]:
        left = left.flatten(1)
    if name == "bmm" and left.dim() == 2 and right.dim() == 3 and left.shape[0] == right.shape[0]:
        left = left.unsqueeze(1)
    if name == "bmm" and right.dim() == 2 and left.dim() == 3 and left.shape[0] == right.shape[0]:
        right = right.unsqueeze(2)
    try:
        product = left @ right
    except RuntimeError:
        return None
    return (lambda: given[0] + product) if len(given) > 2 and not kwargs else lambda: product
