"""How a model is called: what its inputs are as arguments, and what its author calls them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from shapewidget.frameworks.keras.layers import declared_shapes
from shapewidget.frameworks.keras.naming import is_automatic
from shapewidget.frameworks.nesting import named_arrays


def as_call(model: keras.Model, inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of the call: a model of layers takes one structure, a class of its own what its `call` names."""
    is_structure = _takes_structure(model)
    if isinstance(inputs, Mapping):
        if not is_structure and set(inputs) <= set(inspect.signature(model.call).parameters):
            return (), dict(inputs)
        return (dict(inputs),), {}
    if not isinstance(inputs, tuple):
        return (inputs,), {}
    if is_structure:
        return (list(inputs) if len(inputs) > 1 else inputs[0],), {}
    return (inputs, {}) if len(inputs) <= _positional(model) else ((inputs,), {})


def labelled(model: keras.Model, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every tensor of a call with what its author calls it: "ids", "x[1]", or the name of a `keras.Input`."""
    if _takes_structure(model):
        found = list(named_arrays(args[0] if len(args) == 1 else args, "inputs"))
        own = _input_names(model)
        for place, (label, tensor) in enumerate(found):
            yield (own[place] or label) if len(own) == len(found) else label, tensor
        return
    names = [each for each in inspect.signature(model.call).parameters if each not in ("args", "kwargs")]
    names += [f"input {place + 1}" for place in range(len(names), len(args))]
    for name, value in (*zip(names, args, strict=False), *kwargs.items()):
        yield from named_arrays(value, name)


def _takes_structure(model: keras.Model) -> bool:
    return isinstance(model, keras.Sequential) or bool(declared_shapes(model))


def _input_names(model: keras.Model) -> list[str]:
    """The names that the user gave to the inputs; "" for those that Keras named."""
    operations = [
        tensor._keras_history.operation for tensor in keras.tree.flatten(getattr(model, "inputs", None) or [])
    ]
    return ["" if is_automatic(operation) else operation.name for operation in operations]


def _positional(model: keras.Model) -> int:
    parameters = inspect.signature(model.call).parameters.values()
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return 10**6
    plain = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    return len([each for each in plain if each.name not in ("training", "mask")])
