"""How two models compare, weight by weight, and how one is made like the other."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from shapewidget.frameworks.torch.layers import paths

Shape = tuple[int, ...]

_ABSENT = object()


class Setting(NamedTuple):
    """A plain attribute of a submodule."""

    path: str
    name: str
    value: object


def shapes(model: nn.Module) -> dict[str, Shape | None]:
    """Shapes of all parameters and buffers by name; None for those that a lazy module has not made yet."""
    return {name: None if is_lazy(tensor) else tuple(tensor.shape) for name, tensor in tensors(model)}


def difference(made: nn.Module, model: nn.Module) -> str:
    """The first way in which the weights or the sizes of `made` differ from the model's, in words; empty if none."""
    ours, theirs = shapes(made), shapes(model)
    for name, shape in theirs.items():
        if name not in ours:
            return f"no weight {name}, which the model has"
        if ours[name] not in (shape, None):
            return f"{name} of shape {ours[name]}, where the model's is {shape}"
    surplus = next((name for name in ours if name not in theirs), None)
    if surplus is not None:
        return f"a weight {surplus}, which the model has not"
    for path, name, value in differing_settings(made, model):
        layer = made.get_submodule(path)
        if is_torchs_own(layer) and not isinstance(value, bool | float | str):
            found = layer.__dict__.get(name)
            return f"{name} = {found!r} in {path or type(layer).__name__}, where the model's is {value!r}"
    return ""


def differing_settings(made: nn.Module, model: nn.Module) -> tuple[Setting, ...]:
    """Plain attributes of the model's submodules that `made` has otherwise, or has not."""
    modules = dict(made.named_modules())
    return tuple(
        setting
        for path, module in model.named_modules()
        if path in modules
        for setting in _settings(path, module)
        if modules[path].__dict__.get(setting.name, _ABSENT) != setting.value
    )


def _settings(path: str, module: nn.Module) -> Iterator[Setting]:
    for name, value in module.__dict__.items():
        if not name.startswith("_") and name != "training" and isinstance(value, bool | int | float | str | tuple):
            if not isinstance(value, tuple) or all(isinstance(item, int | float | str) for item in value):
                yield Setting(path, name, value)


def liken(made: nn.Module, model: nn.Module, *, weights: bool) -> None:
    """Give `made` the devices, dtypes and flags of the model's tensors and modules of the same names.

    Args:
        made: Ours; changed in place.
        model: Left as it is.
        weights: Whether to copy the values too, where the shapes are the same.
    """
    originals = dict(tensors(model))
    with torch.no_grad():
        for name, tensor in tensors(made):
            original = originals.get(name)
            if original is None or is_lazy(tensor):
                continue
            dtype = original.dtype if tensor.is_floating_point() == original.is_floating_point() else tensor.dtype
            tensor.data = tensor.data.to(device=original.device, dtype=dtype)
            if isinstance(tensor, nn.Parameter):
                tensor.requires_grad_(original.requires_grad)
            if weights and tensor.shape == original.shape:
                tensor.copy_(original)
    flags = {path: module.training for path, module in model.named_modules()}
    for path, module in made.named_modules():
        module.training = flags.get(path, model.training)


def apply_settings(made: nn.Module, settings: Iterable[Setting]) -> None:
    """Set plain attributes of submodules."""
    for path, name, value in settings:
        made.get_submodule(path).__dict__[name] = value


def copied(model: nn.Module) -> nn.Module:
    """A deep copy; tensors that a forward pass left in attributes are copied without their history."""
    memo = {}
    for module in model.modules():
        for value in module.__dict__.values():
            if isinstance(value, torch.Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    return copy.deepcopy(model, memo)


def to_run(model: nn.Module) -> nn.Module:
    """The model itself, or a copy if it is lazy: its first call would decide the sizes of its layers for good."""
    one_of_each = {type(weight): weight for module in paths(model) for weight in module._parameters.values()}
    return copied(model) if any(is_lazy(weight) for weight in one_of_each.values() if weight is not None) else model


def tensors(model: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """All parameters and buffers with their names, one that has several names under each of them."""
    return [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]


def is_torchs_own(layer: nn.Module) -> bool:
    """Whether a layer is of a class of torch's."""
    return type(layer).__module__.startswith("torch.")
