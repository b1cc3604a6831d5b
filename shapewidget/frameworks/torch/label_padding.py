"""Whether a loss counts labels that only fill a batch up: it is asked again with other outputs in their places."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.torch.guard import same_random_state, untouched
from shapewidget.frameworks.torch.likeness import to_run
from shapewidget.frameworks.torch.signature import unwrapped
from shapewidget.frameworks.torch.tensors import mapped
from shapewidget.graph.padding import CountedPadding, PaddedLabels

Loss = Callable[[Any, Any], Any]
_LEFT_OUT = -100
"""The label that the losses of PyTorch leave out unless they are told another."""
_WITH_IGNORED = (nn.CrossEntropyLoss, nn.NLLLoss)


def counted_padding(model: nn.Module, batch: Batch, loss: Loss, labels: PaddedLabels) -> CountedPadding | None:
    """The padding that a loss counts; None where its value does not depend on what the model says of it.

    Raises:
        Exception: Whatever the model or the loss raises.
    """
    model = to_run(unwrapped(model))
    with untouched(model), torch.no_grad():
        outputs = model(*batch.args, **batch.kwargs)
        spoiled = mapped(outputs, lambda tensor: _spoiled(tensor, labels))

        def depends(loss: Loss, targets: Any) -> bool:
            values = []
            for each in (outputs, spoiled):
                with same_random_state():
                    values.append(torch.as_tensor(loss(each, targets)).sum())
            return not torch.allclose(values[0], values[1], rtol=1e-4, atol=1e-6)

        if not depends(loss, batch.targets) or _leaves_as_many_out(loss, outputs, batch.targets, labels):
            return None
        name = getattr(loss, "__name__", type(loss).__name__)
        if not isinstance(loss, _WITH_IGNORED):
            if labels.is_class:
                filled = torch.where(_padding(batch.targets, labels), _LEFT_OUT, batch.targets)
                with contextlib.suppress(Exception):  # a loss of the user's may take no such label
                    return CountedPadding(labels, name, _filled_with(_LEFT_OUT, name), not depends(loss, filled))
            leave = f"leave the padding out of the loss: ignore_index={labels.value}"
            return CountedPadding(labels, name, leave, is_mended=False)
        if not labels.is_class:
            is_mended = not depends(_ignoring(loss, labels.value), batch.targets)
            return CountedPadding(labels, name, f"nn.{name}(ignore_index={labels.value})", is_mended)
        left = int(loss.ignore_index)
        is_mended = not depends(loss, torch.where(_padding(batch.targets, labels), left, batch.targets))
    return CountedPadding(labels, name, _filled_with(left, f"nn.{name}"), is_mended)


def _filled_with(value: int, loss: str) -> str:
    return f"fill the labels up with {value}, which {loss} leaves out: padding_value={value}"


def _leaves_as_many_out(loss: Loss, outputs: Any, targets: Any, labels: PaddedLabels) -> bool:
    """Whether a loss takes no gradient of as many positions as are filled up, which may be others than those."""
    if not isinstance(outputs, torch.Tensor) or not outputs.is_floating_point():
        return False
    with torch.enable_grad(), same_random_state():
        given = outputs.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(torch.as_tensor(loss(given, targets)).sum(), given)
    return int((gradient == 0).sum()) >= (labels.all - labels.own) * (outputs.numel() // labels.all)


def _ignoring(loss: Any, value: int) -> Loss:
    twin: Any = copy.copy(loss)
    twin.ignore_index = value
    return twin  # type: ignore[no-any-return]


def _padding(tensor: torch.Tensor, labels: PaddedLabels) -> torch.Tensor:
    """Which steps of which samples fill up, on the device of a tensor."""
    lengths = torch.tensor(labels.lengths, device=tensor.device)
    return torch.arange(labels.steps, device=tensor.device) >= lengths[:, None]


def _spoiled(tensor: torch.Tensor, labels: PaddedLabels) -> torch.Tensor:
    """Outputs with other values at the steps that fill up; as they are where these cannot be told."""
    samples, steps = len(labels.lengths), labels.steps
    places = [axis for axis, size in enumerate(tensor.shape) if size == steps]
    if not tensor.is_floating_point() or samples == steps:
        return tensor
    padding = _padding(tensor, labels)
    if tensor.shape[:1] == (samples * steps,):
        mask = padding.reshape(-1, *[1] * (tensor.dim() - 1))
    elif tensor.shape[:1] == (samples,) and len(places) == 1:
        mask = padding.reshape(samples, *[steps if axis == places[0] else 1 for axis in range(1, tensor.dim())])
    elif tensor.shape[:2] == (steps, samples):
        mask = padding.t().reshape(steps, samples, *[1] * (tensor.dim() - 2))
    else:
        return tensor
    return torch.where(mask, -2 * tensor - 1, tensor)
