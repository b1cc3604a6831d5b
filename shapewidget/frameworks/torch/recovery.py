"""The arguments that a live model was built with, read off the model itself."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import torch
from torch import nn

from shapewidget.errors import RebuildError
from shapewidget.frameworks.source.arithmetic import is_size
from shapewidget.frameworks.source.calls import constructor_parameters
from shapewidget.frameworks.source.scope import names_in_scope
from shapewidget.frameworks.torch.likeness import is_torchs_own

_PLAIN = (bool, int, float, str, tuple, list)


@dataclass(frozen=True)
class Recipe:
    """What made a model.

    Attributes:
        name: Name of the class or function.
        make: The class or function.
        arguments: Its keyword arguments, and the fields of those that are configurations.
        origin: How they were found, in words.
        guessed: Arguments of which nothing was found, so that they have their default, or no value at all.
        fields: Arguments that are fields of a configuration, and the argument that holds it.
    """

    name: str
    make: Callable[..., nn.Module]
    arguments: Mapping[str, object]
    origin: str
    guessed: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)

    def made(self, changes: Mapping[str, object]) -> nn.Module:
        """The model with some arguments changed. What was handed in is copied, so that no part is shared."""
        arguments = copy.deepcopy({name: it for name, it in self.arguments.items() if name not in self.fields})
        for name, value in changes.items():
            holder: Any = arguments.get(self.fields.get(name, ""))
            if holder is None:
                arguments[name] = value
            elif isinstance(holder, dict):
                holder[name] = value
            else:
                setattr(holder, name, value)
        return self.make(**arguments)


def recovered(model: nn.Module) -> Recipe:
    """The arguments of a model's class, as far as they are to be found."""
    owner = type(model)
    names = names_in_scope(model, layers, stored)
    arguments: dict[str, object] = {}
    guessed = []
    for parameter in constructor_parameters(owner):
        value = _found(model, parameter, names)
        if value is None:
            guessed.append(parameter.name)
            value = parameter.default
        if value is not inspect.Parameter.empty:
            arguments[parameter.name] = value
    fields: dict[str, str] = {}
    configured: dict[str, object] = {}
    for holder in [name for name, value in arguments.items() if _is_configuration(value)]:
        own = {name: value for name, value in _fields(arguments[holder]) if name not in arguments}
        fields |= dict.fromkeys(own, holder)
        configured |= own
    origin = "its configuration" if fields else "its layers and attributes"
    return Recipe(owner.__name__, owner, arguments | configured, f"read off {origin}", tuple(guessed), fields)


def given(model: nn.Module, build: Callable[..., nn.Module]) -> Recipe:
    """The user's own function; its keyword arguments are sizes.

    Raises:
        RebuildError: The function takes no arguments.
    """
    parameters = [
        parameter
        for parameter in inspect.signature(build).parameters.values()
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    if not parameters:
        raise RebuildError(
            "build= takes no arguments, so no size can be changed through it: expected a function of the sizes. "
            f"Pass build=lambda hidden_size: {type(model).__name__}(...)."
        )
    arguments: dict[str, object] = {}
    for parameter in parameters:
        value = parameter.default if parameter.default is not parameter.empty else stored(model, parameter.name)
        if isinstance(value, _PLAIN):
            arguments[parameter.name] = value
    missing = tuple(parameter.name for parameter in parameters if parameter.name not in arguments)
    return Recipe("build", build, arguments, "from build=", missing)


def layers(module: Any) -> Iterator[tuple[str, object]]:
    """(path, module) of all that a module is built of."""
    yield from module.named_modules()


def stored(module: object, name: str) -> object:
    """What a module stores under the name of a constructor argument; None where it stores nothing.

    Nothing is called: a property of the user's class could do anything.
    """
    if not isinstance(module, nn.Module):
        return None
    for table in (module.__dict__, module._parameters, module._modules):
        if name in table:
            return _as_argument(module, name, table[name])
    return None


def _as_argument(module: nn.Module, name: str, value: object) -> object:
    if not is_torchs_own(module):
        return value
    if name == "bias" and (value is None or isinstance(value, torch.Tensor)):
        return value is not None
    if isinstance(value, tuple) and value and all(item == value[0] for item in value):
        return value[0]  # a kernel size of 3 is kept as (3, 3)
    return value


def _found(model: nn.Module, parameter: inspect.Parameter, names: Mapping[str, object]) -> object:
    if parameter.name in names:
        return names[parameter.name]
    value = stored(model, parameter.name)
    if isinstance(value, nn.ModuleList | nn.Sequential):
        return len(value)
    return value if isinstance(value, _PLAIN) or callable(value) or _is_configuration(value) else None


def _is_configuration(value: object) -> bool:
    if isinstance(value, nn.Module | torch.Tensor | type | ModuleType) or callable(value):
        return False
    return any(is_size(entry) and entry > 1 for _, entry in _fields(value))


def _fields(configuration: object) -> Iterator[tuple[str, Any]]:
    entries = configuration if isinstance(configuration, dict) else getattr(configuration, "__dict__", {})
    for name, value in entries.items():
        if isinstance(name, str) and not name.startswith("_") and isinstance(value, bool | int | float | str):
            yield name, value
