"""Run the user's constructors as often as it takes, and leave no trace of it."""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from shapewidget.frameworks.torch.guard import same_defaults, same_random_state

_DRAWN = 10_007
"""How many numbers of a large weight are drawn; a prime, so that no two rows of it are the same."""


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Run constructors of the user's, and leave random numbers, defaults and the cell's output as they were."""
    with (
        same_defaults(),
        same_random_state(),
        torch.inference_mode(False),
        torch.enable_grad(),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


class Numberless(TorchFunctionMode):
    """Weights are left unfilled: only their shapes are wanted."""

    _RANDOM = (torch.Tensor.normal_, torch.Tensor.uniform_, nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_)

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function in self._RANDOM:
            tensor = args[0] if args else kwargs["tensor"]
            return tensor.zero_() if _is_rejecting() else tensor
        return function(*args, **(kwargs or {}))


def _is_rejecting() -> bool:
    """Whether `trunc_normal_` asks, which draws until all values are in range: unfilled ones may never be."""
    frame = sys._getframe(2)
    callers = [frame, frame.f_back, frame.f_back and frame.f_back.f_back]  # modes on top of ours stand in between
    return any(caller is not None and caller.f_code.co_name == "_no_grad_trunc_normal_" for caller in callers)


class Repeating(TorchDispatchMode):
    """Weights are random, but of a large one the first numbers are repeated: drawing all takes longer than a run."""

    _RANDOM = (torch.ops.aten.normal_.default, torch.ops.aten.uniform_.default)

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tensor: Any = args[0] if function in self._RANDOM else None
        if tensor is None or tensor.numel() <= _DRAWN or not tensor.is_contiguous():
            return function(*args, **(kwargs or {}))
        drawn = function(tensor.new_empty(_DRAWN), *args[1:], **(kwargs or {}))
        numbers, whole = tensor.view(-1), tensor.numel() // _DRAWN * _DRAWN
        numbers[:whole].view(-1, _DRAWN).copy_(drawn)
        numbers[whole:].copy_(drawn[: tensor.numel() - whole])
        return tensor
