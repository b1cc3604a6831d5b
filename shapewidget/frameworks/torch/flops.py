"""The floating-point operations of a call, counted by `torch.utils.flop_counter`.

PyTorch has no formula for the one kernel that an LSTM is on a CPU, or on a GPU; those are here. A step of an LSTM is
the product of its input and its state with the weights of four gates: ``2·4·H·(E + H)`` operations for every token.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

_PEAK_WIDTH = (1024, 8192)
"""Rows of the matrices, on a CPU and on a GPU."""

_PEAK_REPEATS = 5


def counted(call: Callable[[], object]) -> int | None:
    """Run a call once and count; None where that cannot be, or an operation cannot be counted."""
    if not can_count():
        return None
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False, custom_mapping=_formulas())
    try:
        with counter:
            call()
    except (RuntimeError, NotImplementedError, TypeError, AssertionError):
        return None
    return int(counter.get_total_flops())


def can_count() -> bool:
    """Whether the counter of torch can be loaded: it loads triton, and the process dies where TensorFlow came first."""
    loads_triton = "triton" not in sys.modules and importlib.util.find_spec("triton") is not None
    return not (loads_triton and "tensorflow" in sys.modules)


@functools.cache
def peak(device: torch.device, dtype: torch.dtype) -> float:
    """The most floating-point operations a second that the device was seen to do: a product of two large matrices.

    Looked at once in a process.
    """
    size = _PEAK_WIDTH[device.type == "cuda"]
    one = torch.ones(size, size, device=device, dtype=dtype)
    seconds = []
    for _ in range(_PEAK_REPEATS):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        started = time.perf_counter()
        torch.mm(one, one)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - started)
    return float(2 * size**3 / min(seconds))


def _formulas() -> dict[Any, Any]:
    """Formulas for the recurrent kernels that this PyTorch has; a backward pass takes two products for each of ours."""
    found: dict[Any, Any] = {}
    for name, formula in (
        ("mkldnn_rnn_layer", _cpu_layer),
        ("mkldnn_rnn_layer_backward", lambda *args, **rest: 2 * _cpu_layer(*args, **rest)),
        ("_cudnn_rnn", _cuda_layers),
        ("_cudnn_rnn_backward", lambda *args, **rest: 2 * _cuda_layers(*args, **rest)),
    ):
        if hasattr(torch.ops.aten, name):
            found[getattr(torch.ops.aten, name)] = formula
    return found


def _cpu_layer(inputs: list[int], weight: list[int], state_weight: list[int], *_: Any, **__: Any) -> int:
    """One direction of one layer: both weights are used for every token."""
    return 2 * math.prod(inputs[:2]) * (math.prod(weight) + math.prod(state_weight))


def _cuda_layers(inputs: list[int], weights: list[list[int]], *_: Any, **__: Any) -> int:
    """All layers and directions: every weight with two axes is used for every token."""
    return 2 * math.prod(inputs[:2]) * sum(math.prod(shape) for shape in weights if len(shape) == 2)
