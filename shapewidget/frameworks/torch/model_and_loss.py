"""A model and its loss in lines of the user's code, taken apart so that the model can be probed with the loss."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from torch import nn

from shapewidget.frameworks.source.repeatable import value_of_name
from shapewidget.frameworks.source.replay import Replay
from shapewidget.frameworks.source.slices import up_to, with_hole
from shapewidget.frameworks.torch.harmless import is_data
from shapewidget.frameworks.torch.tensors import flat


class ModelAndLoss(NamedTuple):
    """A call of a model, and what is done with its outputs.

    Attributes:
        model: The model.
        inputs: What it is called with: a tuple, or a dict where some were keywords.
        targets: What the loss is given besides the outputs.
        loss: The lines behind the call, called as ``loss(outputs, targets)``.
    """

    model: nn.Module
    inputs: Any
    targets: Any
    loss: Callable[..., Any]


def model_and_loss(replay: Replay) -> ModelAndLoss | None:
    """The one model that lines call, its arguments worked out, and the rest of them; None where there is not just one.

    Raises:
        Exception: Whatever the lines raise.
    """
    calls = [(value_of_name(call.func, replay.names), call) for call in replay.calls()]
    models = [(model, call) for model, call in calls if isinstance(model, nn.Module) and is_own_model(model)]
    if len(models) != 1:
        return None
    model, call = models[0]
    args = tuple(up_to(replay, each).run() for each in call.args)
    kwargs = {each.arg: up_to(replay, each.value).run() for each in call.keywords if each.arg is not None}
    loss = with_hole(replay, call)
    targets = {name: value for name, value in loss.names.items() if is_data(value) and flat(value)}
    if not targets:
        return None
    others = {name: value for name, value in loss.names.items() if name not in targets}
    values = tuple(targets.values())
    loss = replace(loss, names=others, free=tuple(targets))
    return ModelAndLoss(model, inputs_of(model, args, kwargs), values[0] if len(values) == 1 else values, loss)


def is_own_model(module: object) -> bool:
    """Whether a module is a model of its own, and not one layer or loss of torch's in the user's line."""
    return isinstance(module, nn.Module) and (
        not type(module).__module__.startswith("torch.") or any(True for _ in module.children())
    )


def inputs_of(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The arguments of a call: a tuple, or a dict where some were keywords."""
    if args and kwargs:
        bound = inspect.signature(model.forward).bind(*args, **kwargs)
        return {**dict(zip(bound.signature.parameters, bound.args, strict=False)), **bound.kwargs}
    return kwargs or args
