"""The arguments that a model of the user's own class was built with.

Keras records them for layers, but not for models: `keras.Model.__new__` drops them, and `get_config` gives the
defaults. So they are read off the live model, as in PyTorch, from the lines of its constructor and the layers that they
built.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from shapewidget.errors import RebuildError
from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.frameworks.keras.guard import config_of
from shapewidget.frameworks.keras.layers import is_keras_own
from shapewidget.frameworks.keras.naming import attributes
from shapewidget.frameworks.source.calls import constructor_parameters
from shapewidget.frameworks.source.scope import names_in_scope

_PLAIN = (bool, int, float, str, tuple, list)
_OF_KERAS = ("name", "dtype", "trainable")


def recovered(model: keras.Model) -> dict[str, Any]:
    """The arguments of a model's class, by the user's own `get_config` where there is one.

    Raises:
        RebuildError: An argument without a default was found neither in its layers nor in its attributes.
    """
    parameters = [each for each in constructor_parameters(type(model)) if each.name not in _OF_KERAS]
    names = _written_config(model) if _writes_config(model) else _read_off(model, parameters)
    arguments = {}
    for parameter in parameters:
        value = names.get(parameter.name, parameter.default)
        if value is inspect.Parameter.empty:
            raise RebuildError(
                f"its argument {parameter.name!r} was found neither in its attributes nor in its layers."
            )
        arguments[parameter.name] = value
    return {**arguments, **_others(model)}


def _others(model: keras.Model) -> Mapping[str, Any]:
    """The arguments that a class takes as ``**options``, where it keeps them under that name."""
    every = inspect.signature(type(model).__init__).parameters.values()
    name = next((each.name for each in every if each.kind is inspect.Parameter.VAR_KEYWORD), None)
    held = BACKEND.attributes(model).get(name) if name is not None else None
    return dict(held) if isinstance(held, Mapping) and name is not None else {}


def own(value: Any) -> Any:
    """An argument as a copy of the model may hold it: a layer that was handed in is made anew."""
    return type(value).from_config(config_of(value)) if isinstance(value, keras.layers.Layer) else value


def _writes_config(model: keras.Model) -> bool:
    writer = next(owner for owner in type(model).__mro__ if "get_config" in vars(owner))
    return not writer.__module__.startswith("keras.")


def _written_config(model: keras.Model) -> Mapping[str, Any]:
    try:
        return dict(config_of(model))
    except Exception as error:
        raise RebuildError(f"its get_config raised {type(error).__name__}: {error}.") from error


def _read_off(model: keras.Model, parameters: list[inspect.Parameter]) -> Mapping[str, Any]:
    names = names_in_scope(model, _layers, _stored)
    found = {}
    for parameter in parameters:
        value = names.get(parameter.name, _stored(model, parameter.name))
        if isinstance(value, (*_PLAIN, keras.layers.Layer)):
            found[parameter.name] = value
    return found


def _layers(owner: object) -> Iterator[tuple[str, object]]:
    """(path, layer) of all that a layer is built of: "encoder.lstm", "blocks.0"."""
    yield "", owner
    yield from _below(owner, "", {id(owner)})


def _below(owner: object, path: str, seen: set[int]) -> Iterator[tuple[str, object]]:
    numbered = [(str(place), layer) for place, layer in enumerate(getattr(owner, "layers", ()))]
    for name, layer in numbered if isinstance(owner, keras.Sequential) else attributes(owner):
        if id(layer) not in seen:
            seen.add(id(layer))
            inner = f"{path}.{name}".lstrip(".")
            yield inner, layer
            yield from _below(layer, inner, seen)


def _stored(layer: object, name: str) -> object:
    """What a layer stores under the name of a constructor argument; None where it stores nothing."""
    if not isinstance(layer, keras.layers.Layer):
        return None
    if not is_keras_own(layer):
        return BACKEND.attributes(layer).get(name)
    value = getattr(layer, name, None)
    value = tuple(value) if isinstance(value, list) else value
    if isinstance(value, tuple) and value and all(item == value[0] for item in value):
        return value[0]  # a kernel size of 3 is kept as (3, 3)
    return value if isinstance(value, _PLAIN) else None
