"""Hand other tensors to the model or to its loss, and leave both as they are."""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from shapewidget.frameworks.adapter import Attempt, Batch
from shapewidget.frameworks.torch.tensors import mapped
from shapewidget.graph.remedies import AdaptCall
from shapewidget.graph.steps import Step, Steps


def with_call(model: nn.Module, loss: Callable[..., Any] | None, remedy: AdaptCall) -> Attempt:
    """The same model and loss, called otherwise."""
    changed = loss
    if loss is not None and remedy.outputs:
        changed = _adapted_loss(loss, remedy.outputs)
    if remedy.weights:
        changed = _of_other_weights(loss, remedy)
    return Attempt(model, str(remedy), None, loss=changed, batch=functools.partial(_adapted_batch, remedy))


def taken(steps: Steps, tensor: torch.Tensor) -> torch.Tensor:
    """A tensor after some steps."""
    return functools.reduce(_take, steps, tensor)


def _take(tensor: torch.Tensor, step: Step) -> torch.Tensor:
    if step.name == "index":
        return tensor[step.arguments]  # type: ignore[index]
    if step.name == "one_hot":
        return nn.functional.one_hot(tensor, *step.arguments)  # type: ignore[arg-type]
    result: torch.Tensor = getattr(tensor, step.name)(*step.arguments)
    return result


def _adapted_loss(loss: Callable[..., Any], steps: Steps) -> Callable[..., Any]:
    @functools.wraps(loss)
    def adapted(outputs: Any, targets: Any) -> Any:
        return loss(taken(steps, outputs), targets)

    return adapted


def _of_other_weights(loss: Callable[..., Any] | None, remedy: AdaptCall) -> nn.Module:
    """A copy of a loss that holds weights, with these changed; an error where it holds none of that name."""
    if not isinstance(loss, nn.Module):
        raise TypeError(f"the weights of {type(loss).__name__} are not known; a module of torch's own holds them")
    made = copy.deepcopy(loss)
    setattr(made, remedy.name, taken(remedy.weights, getattr(loss, remedy.name)))
    return made


def _adapted_batch(remedy: AdaptCall, batch: Batch) -> Batch:
    targets = taken(remedy.targets, batch.targets) if remedy.targets else batch.targets
    if not remedy.inputs:
        return replace(batch, targets=targets)
    places = itertools.count()

    def change(tensor: torch.Tensor) -> torch.Tensor:
        return taken(remedy.inputs, tensor) if next(places) == remedy.place else tensor

    return replace(batch, args=mapped(batch.args, change), kwargs=mapped(dict(batch.kwargs), change), targets=targets)
