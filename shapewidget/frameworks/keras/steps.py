"""Steps on the axes of a tensor, taken on tensors of TensorFlow."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from shapewidget.graph.steps import Step, Steps


def taken(steps: Steps, value: Any) -> Any:
    """Every tensor of a nested value after some steps."""
    for step in steps:
        value = keras.tree.map_structure(lambda tensor, step=step: _take(step, ops.convert_to_tensor(tensor)), value)
    return value


def _take(step: Step, tensor: Any) -> Any:
    first = step.arguments[0] if step.arguments else None
    match step.name:
        case "index":
            return tensor[step.arguments]
        case "unsqueeze":
            return ops.expand_dims(tensor, first)
        case "squeeze":
            return ops.squeeze(tensor, first)
        case "one_hot":
            return ops.one_hot(ops.cast(tensor, "int32"), first)
        case "sub":
            return tensor - first
        case "argmax":
            return ops.argmax(tensor, first)
        case "transpose":
            return ops.swapaxes(tensor, *step.arguments)
        case "permute":
            return ops.transpose(tensor, step.arguments)
        case "mean":
            return ops.mean(tensor, first)
        case "unflatten":
            return ops.reshape(tensor, (*tensor.shape[:first], *step.arguments[1], *tensor.shape[first + 1 :]))  # type: ignore[operator,misc]
        case "flatten":
            start = first if isinstance(first, int) else 0
            end = step.arguments[1] if len(step.arguments) > 1 else len(tensor.shape) - 1
            return ops.reshape(tensor, (*tensor.shape[:start], -1, *tensor.shape[end + 1 :]))  # type: ignore[operator]
        case "logical_not":
            return ops.logical_not(tensor)
        case "flip":
            return ops.flip(tensor, first)
        case "long":
            return ops.cast(tensor, "int64")
        case "float":
            return ops.cast(tensor, "float32")
    raise ValueError(f"{step.name} is no step that tensors of Keras take")


def said(steps: Steps, text: str, ops: str = "ops") -> str:
    """An expression with all steps applied to it, as one writes it with Keras.

    Args:
        steps: In the order in which they are taken.
        text: The expression.
        ops: Where the operations of Keras are found.
    """
    for step in steps:
        text = _said(step, text, ops)
    return text


def _said(step: Step, text: str, ops: str) -> str:
    arguments = ", ".join(map(repr, step.arguments))
    match step.name:
        case "index":
            return step.on(text)
        case "unsqueeze" if step.arguments == (-1,):
            return f"{text}[..., None]"
        case "unsqueeze":
            return f"{ops}.expand_dims({text}, {arguments})"
        case "logical_not":
            return f"{ops}.logical_not({text})"
        case "squeeze" | "one_hot" | "argmax" | "mean" | "flip":
            return f"{ops}.{step.name}({text}, {arguments})"
        case "transpose":
            return f"{ops}.swapaxes({text}, {arguments})"
        case "permute":
            return f"{ops}.transpose({text}, {step.arguments})"
        case "unflatten" if step.arguments[0] == 0:
            sizes = ", ".join(map(str, step.arguments[1]))  # type: ignore[call-overload]
            return f"{ops}.reshape({text}, ({sizes}, *{text}.shape[1:]))"
        case "long" | "float":
            return f"{ops}.cast({text}, {'int64' if step.name == 'long' else 'float32'!r})"
    return step.on(text)
