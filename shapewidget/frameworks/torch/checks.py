"""What can be wrong with a batch before it is run, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.modules.loss import _Loss

from shapewidget.errors import InputError
from shapewidget.frameworks.torch.axes import Names
from shapewidget.frameworks.torch.signature import forward_signature, has_forward, written

Labelled = tuple[str, torch.Tensor]
"""A tensor and what the author of the model calls it."""


def check_callable(model: nn.Module) -> None:
    """Refuse a module that only holds others."""
    if not has_forward(model):
        raise InputError(
            f"{type(model).__name__} has no forward, so it cannot be called. "
            "Give the module that calls its parts, or one of the parts."
        )


def check_loss(loss: Any, targets: Any) -> None:
    """Refuse a loss that cannot be called, or that has nothing to compare with."""
    if loss is None:
        return
    if not callable(loss):
        raise InputError(
            f"loss must be a function of (outputs, targets), got {type(loss).__name__}. nn.CrossEntropyLoss() is one."
        )
    if isinstance(loss, _Loss) and targets is None:
        raise InputError(
            f"{type(loss).__name__} compares outputs with targets, and no targets were given. "
            "Give both: inputs=..., targets=..."
        )


def check_signature(model: nn.Module, inputs: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Refuse inputs that are too many, too few, or have other names than the arguments of `forward`."""
    signature = forward_signature(model)
    if signature is None:
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        step = "Give a tuple with one entry for each argument, or a dict by their names."
        if isinstance(inputs, list):
            step = "A list is one argument; give a tuple for several."
        elif isinstance(inputs, Mapping):
            step = "A dict is read as keywords; give a tuple that holds the dict, (inputs,), if it is one argument."
        raise InputError(f"`{written(model)}` cannot be called with the inputs given: {error}. {step}") from None


def check_devices(model: nn.Module, tensors: Iterable[Labelled]) -> None:
    """Refuse tensors that are elsewhere than the model."""
    devices = list(dict.fromkeys(weight.device for weight in (*model.parameters(), *model.buffers())))
    for label, tensor in tensors:
        # `pack_padded_sequence` takes lengths on the CPU only, wherever the model is.
        may_be_lengths = tensor.ndim <= 1 and not tensor.is_floating_point() and tensor.device.type == "cpu"
        if devices and tensor.device not in devices and not may_be_lengths:
            raise InputError(
                f"`{label}` is on {tensor.device}, but the model is on {' and '.join(map(str, devices))}. "
                f"Move the tensor with .to({str(devices[0])!r}), or the model with .to({str(tensor.device)!r})."
            )


def check_not_empty(tensors: Iterable[Labelled], named: Iterable[Names]) -> None:
    """Refuse a batch with an axis of size 0."""
    for place, ((label, tensor), names) in enumerate(zip(tensors, named, strict=True)):
        empty = [axis for axis, size in enumerate(tensor.shape) if size == 0 and (names[axis] or place == 0)]
        if empty:
            raise InputError(
                f"`{label}` has shape {tuple(tensor.shape)}: axis {empty[0]} is empty, so there is nothing to run on. "
                "Give a batch with at least one sample in it; two or more tell most."
            )
