"""Run the user's constructors as often as it takes, and leave no trace of it."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from shapewidget.frameworks.torch.guard import same_random_state


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Run constructors of the user's, and leave random numbers, defaults and the cell's output as they were."""
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    with (
        same_random_state(),
        torch.inference_mode(False),
        torch.enable_grad(),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            if torch.get_default_device() != device:
                torch.set_default_device(device if device.type != "cpu" else None)


class Numberless(TorchFunctionMode):
    """Weights are left unfilled: only their shapes are wanted."""

    _RANDOM = (torch.Tensor.normal_, torch.Tensor.uniform_, nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_)

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function in self._RANDOM:
            return args[0] if args else kwargs["tensor"]
        return function(*args, **(kwargs or {}))
