"""The floating-point operations of a call on TensorFlow, counted from the operations that it runs.

Products and convolutions are counted, as `torch.utils.flop_counter` counts them: two for every multiplication that is
added up. What an element at a time is worked out is left out.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import op_callbacks

_PEAK_WIDTH, _PEAK_REPEATS = 1024, 5

Shape = tuple[int, ...]
Formula = Callable[[Sequence[Shape], Shape, Mapping[str, Any]], int]


def counted(call: Callable[[], object]) -> int | None:
    """Run a call once and count; None where that cannot be, or an operation cannot be counted.

    Args:
        call: Runs operation by operation.
    """
    total = 0
    uncounted = False

    def note(kind: Any, inputs: Any, attributes: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> None:
        nonlocal total, uncounted
        name = kind.decode() if isinstance(kind, bytes) else kind
        uncounted |= name.startswith("CudnnRNN")
        formula = _FORMULAS.get(name)
        if graph is None and formula is not None:
            given = [tuple(each.shape) for each in inputs]
            settings = dict(zip(attributes[::2], attributes[1::2], strict=True))
            total += formula(given, tuple(outputs[0].shape), settings)

    op_callbacks.add_op_callback(note)
    try:
        call()
    finally:
        op_callbacks.remove_op_callback(note)
    return None if uncounted else total


@functools.cache
def peak(device: str) -> float:
    """The most floating-point operations a second that the device was seen to do: a product of two large matrices.

    Looked at once in a process.

    Args:
        device: "cpu", "gpu:0".
    """
    seconds = []
    with tf.device(device):
        one = tf.ones((_PEAK_WIDTH, _PEAK_WIDTH))
        for _ in range(_PEAK_REPEATS):
            started = time.perf_counter()
            tf.matmul(one, one)[0, 0].numpy()
            seconds.append(time.perf_counter() - started)
    return 2 * _PEAK_WIDTH**3 / min(seconds)


def _product(given: Sequence[Shape], out: Shape, settings: Mapping[str, Any]) -> int:
    """Every element of the result is a sum over the axis that both operands share."""
    is_turned = settings.get("transpose_a") or settings.get("adj_x")
    return 2 * math.prod(out) * given[0][-2 if is_turned else -1]


def _convolution(given: Sequence[Shape], out: Shape, settings: Mapping[str, Any]) -> int:
    """Every element of the result is a sum over the window and the channels that a filter reads."""
    return 2 * math.prod(out) * math.prod(given[1][:-1])


def _convolution_back(given: Sequence[Shape], out: Shape, settings: Mapping[str, Any]) -> int:
    """The gradient of the input, or a transposed convolution: each element given is spread by a filter."""
    return 2 * math.prod(given[2]) * math.prod(given[1][:-1])


def _convolution_of_filters(given: Sequence[Shape], out: Shape, settings: Mapping[str, Any]) -> int:
    """The gradient of the filters: each element of the gradient given meets a window of the input."""
    return 2 * math.prod(given[2]) * math.prod(out[:-1])


def _depthwise(given: Sequence[Shape], out: Shape, settings: Mapping[str, Any]) -> int:
    """Every element of the result is a sum over a window of one channel."""
    return 2 * math.prod(out) * math.prod(given[1][:2])


def _depthwise_back(given: Sequence[Shape], out: Shape, settings: Mapping[str, Any]) -> int:
    """Of the input."""
    return 2 * math.prod(given[2]) * math.prod(given[1][:2])


def _depthwise_of_filters(given: Sequence[Shape], out: Shape, settings: Mapping[str, Any]) -> int:
    """Of the filters."""
    return 2 * math.prod(given[2]) * math.prod(out[:2])


def _einsum(given: Sequence[Shape], out: Shape, settings: Mapping[str, Any]) -> int:
    """Every combination of the letters is one multiplication; what stands for `...` is a letter each."""
    equation = settings["equation"]
    terms = (equation.decode() if isinstance(equation, bytes) else equation).partition("->")[0].split(",")
    sizes: dict[object, int] = {}
    for term, shape in zip(terms, given, strict=True):
        before, dots, behind = term.partition("...")
        rest = len(shape) - len(before) - len(behind)
        letters = [*before, *(range(-rest, 0) if dots else ()), *behind]
        for letter, size in zip(letters, shape, strict=True):
            sizes[letter] = max(size, sizes.get(letter, 1))
    return 2 * math.prod(sizes.values()) if len(given) > 1 else 0


_FORMULAS: Mapping[str, Formula] = {
    **dict.fromkeys(("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"), _product),
    **dict.fromkeys(("Conv2D", "Conv3D"), _convolution),
    **dict.fromkeys(("Conv2DBackpropInput", "Conv3DBackpropInputV2"), _convolution_back),
    **dict.fromkeys(("Conv2DBackpropFilter", "Conv3DBackpropFilterV2"), _convolution_of_filters),
    "DepthwiseConv2dNative": _depthwise,
    "DepthwiseConv2dNativeBackpropInput": _depthwise_back,
    "DepthwiseConv2dNativeBackpropFilter": _depthwise_of_filters,
    "Einsum": _einsum,
}
