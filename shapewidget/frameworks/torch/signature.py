"""What a model's `forward` calls its arguments."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from shapewidget.frameworks.torch.tensors import leaves


def unwrapped(model: nn.Module) -> nn.Module:
    """The user's own module inside `DataParallel`, `DistributedDataParallel` and `torch.compile`."""
    while True:
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        elif isinstance(inner := model.__dict__.get("_modules", {}).get("_orig_mod"), nn.Module):
            model = inner
        else:
            return model


def forward_signature(model: nn.Module) -> inspect.Signature | None:
    """The signature of `forward` without `self`; None where Python cannot tell, as of a scripted module."""
    try:
        return inspect.signature(unwrapped(model).forward)
    except (TypeError, ValueError):
        return None


def written(model: nn.Module) -> str:
    """`forward` as a person wrote it: "forward(self, ids, lengths)"."""
    signature = forward_signature(model)
    if signature is None:
        return "forward"
    return f"forward({', '.join(['self', *map(_without_annotation, signature.parameters.values())])})"


def _without_annotation(parameter: inspect.Parameter) -> str:
    return str(parameter.replace(annotation=inspect.Parameter.empty))


def has_forward(model: nn.Module) -> bool:
    """Whether the model can be called at all: `nn.ModuleDict` cannot."""
    return getattr(unwrapped(model).forward, "__func__", None) is not nn.Module.forward


def labelled(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor of a call with what its author calls it: "ids", or "state[1]" where an argument holds several."""
    signature = forward_signature(model)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [name for name, each in signature.parameters.items() if each.kind in kinds] if signature else []
    names += [f"input {place + 1}" for place in range(len(names), len(args))]
    for name, value in (*zip(names, args, strict=False), *kwargs.items()):
        tensors = list(leaves(value))
        for place, tensor in enumerate(tensors):
            yield (name if len(tensors) == 1 else f"{name}[{place}]"), tensor


def parts_taken(model: nn.Module, parts: int, *, has_loss: bool) -> int | None:
    """How many parts of a batch are inputs: as many as `forward` asks for; one at least is left for a loss.

    Args:
        model: The model that is called with them.
        parts: How many the batch has.
        has_loss: Whether a loss takes the next one.

    Returns:
        None where `forward` does not tell.
    """
    least, most = _taken(model)
    if not least:
        return None
    return min(parts - 1, most) if has_loss else least


def as_arguments(model: nn.Module, inputs: Any) -> Any:
    """Inputs of a loader's batch as a model takes them: `default_collate` makes a list of a tuple of inputs."""
    least, most = _taken(model)
    return tuple(inputs) if type(inputs) is list and 1 < least <= len(inputs) <= most else inputs


def _taken(model: nn.Module) -> tuple[int, int]:
    """How many arguments `forward` needs, and how many it has; none where it does not tell."""
    signature = forward_signature(model)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    plain = [each for each in signature.parameters.values() if each.kind in kinds] if signature is not None else []
    return sum(each.default is inspect.Parameter.empty for each in plain), len(plain)
