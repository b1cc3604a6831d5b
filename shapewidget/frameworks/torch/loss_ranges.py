"""Values of outputs and targets that a loss cannot mean: no probabilities, no logarithms of them, signs that are none.

Most losses compute a number of any values, and raise nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch

_MOST_VALUES = 200_000
LOGARITHMS, PROBABILITIES = "logarithms of probabilities", "probabilities that add up to 1"
_OF_PAIRS = ("cosineembedding", "marginranking")
_MARGIN = 1e-3
"""What rounding, or a small number that was added before a logarithm, may make of a value."""


class Beyond(NamedTuple):
    """Which input of a loss has values that it does not take.

    Attributes:
        place: 0 for the outputs, 1 for the targets.
        wanted: "0 to 1".
        got: "-2.31 to 3.04", or "0 and 1".
    """

    place: int
    wanted: str
    got: str

    def settings(self) -> dict[str, object]:
        """What is noted at the loss."""
        which = ("outputs", "targets")[self.place]
        return {"values of": which, "values taken": self.wanted, "values given": self.got}


def plain(name: str) -> str:
    """The name that a loss has both as a class and as a function: "nll", "bcewithlogits"."""
    name = name.lower().replace("_", "").replace("loss", "")
    return name.replace("binarycrossentropy", "bce")


def odd_values(function: Any, args: Any, kwargs: Mapping[str, Any], module: Any = None) -> dict[str, object]:
    """The setting of a loss that ran on values that it cannot mean; none of another.

    Args:
        function: The loss, as a function or as a class.
        args: What it was called with.
        kwargs: Likewise.
        module: The loss that was called, where it is a module.
    """
    kind = plain(function.__name__)
    tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor)]
    last = 2 if kind in _OF_PAIRS else 1
    if kind not in _CHECKS or len(tensors) <= last:
        return {}
    is_log = bool(kwargs.get("log_target", getattr(module, "log_target", False)))
    with torch._C.DisableTorchFunction():
        found = beyond(kind, tensors[0], tensors[last], is_log=is_log)
    return found.settings() if found is not None else {}


def beyond(kind: str, outputs: torch.Tensor, targets: torch.Tensor, *, is_log: bool = False) -> Beyond | None:
    """The input of a loss of that plain name with values it cannot mean; `is_log` of targets that are logarithms."""
    given = (outputs, targets)
    if kind == "ctc" and 0 < targets.numel() <= _MOST_VALUES and int(targets.max()) >= outputs.shape[-1]:
        return Beyond(1, f"classes below {outputs.shape[-1]}", f"one of {int(targets.max())}")
    for place, check in _CHECKS.get(kind, ()):
        values = given[place]
        is_left_out = is_log and place == 1
        if is_left_out or not 0 < values.numel() <= _MOST_VALUES or values.is_complex():
            continue
        with contextlib.suppress(RuntimeError):  # the values of a tensor under a transform of torch.func are not known
            got = check(values.detach())
            if got is not None:
                return Beyond(place, *got)
    return None


def _unit(values: torch.Tensor) -> tuple[str, str] | None:
    low, high = _bounds(values)
    return ("0 to 1", f"{low:.3g} to {high:.3g}") if low < -_MARGIN or high > 1 + _MARGIN else None


def _logarithm(axis: int) -> Callable[[torch.Tensor], tuple[str, str] | None]:
    """A check for values above 0, which no logarithm of a probability has."""

    def check(values: torch.Tensor) -> tuple[str, str] | None:
        if _adds_up(values, axis):
            return LOGARITHMS, PROBABILITIES
        low, high = _bounds(values)
        return (LOGARITHMS, f"{low:.3g} to {high:.3g}") if high > _MARGIN else None

    return check


def _logarithm_of_all(values: torch.Tensor) -> tuple[str, str] | None:
    """As a loss wants it that adds up the classes: they are probabilities only if these add up to 1."""
    found = _logarithm(-1)(values)
    if found is not None or _adds_up(values.exp(), -1) or not values.is_floating_point():
        return found
    return LOGARITHMS, "logarithms of values that do not add up to 1 along the last axis, the classes"


def _not_negative(values: torch.Tensor) -> tuple[str, str] | None:
    low, high = _bounds(values)
    return ("0 to 1", f"{low:.3g} to {high:.3g}") if low < -_MARGIN else None


def _sign(values: torch.Tensor) -> tuple[str, str] | None:
    is_of_two = bool(((values == 0) | (values == 1)).all()) and _bounds(values) == (0, 1)
    return ("-1 and 1", "0 and 1") if is_of_two else None


def _score(values: torch.Tensor) -> tuple[str, str] | None:
    """Class scores that a softmax has been over already."""
    is_hard = bool(((values == 0) | (values == 1)).all())
    return ("scores", PROBABILITIES) if not is_hard and _adds_up(values, 1) else None


def _listed(values: torch.Tensor) -> tuple[str, str] | None:
    """A row of 0 and 1 for each class, where the numbers of the classes are listed, each once, and -1 behind them."""
    if values.dim() < 2 or values.is_floating_point() or not bool(((values == 0) | (values == 1)).all()):
        return None
    return ("the numbers of the classes, then -1", "rows of 0 and 1") if values.shape[-1] > 2 else None


def _adds_up(values: torch.Tensor, axis: int) -> bool:
    """Whether the values are probabilities that add up to 1 along an axis."""
    if values.dim() < 2 or values.shape[axis] < 2 or not values.is_floating_point() or _bounds(values)[0] < 0:
        return False
    return bool(((values.sum(axis, dtype=torch.float32) - 1).abs() < _MARGIN).all())


def _bounds(values: torch.Tensor) -> tuple[float, float]:
    low, high = values.float().aminmax()
    return float(low), float(high)


_CHECKS: dict[str, tuple[tuple[int, Callable[[torch.Tensor], Any]], ...]] = {
    "bce": ((0, _unit), (1, _unit)),
    "bcewithlogits": ((1, _unit),),
    "multilabelsoftmargin": ((1, _unit),),
    "nll": ((0, _logarithm(1)),),
    "kldiv": ((0, _logarithm(-1)), (1, _not_negative)),
    "hingeembedding": ((1, _sign),),
    "softmargin": ((1, _sign),),
    "cosineembedding": ((1, _sign),),
    "marginranking": ((1, _sign),),
    "crossentropy": ((0, _score),),
    "ctc": ((0, _logarithm_of_all),),
    "multilabelmargin": ((1, _listed),),
}
