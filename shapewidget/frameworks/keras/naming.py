"""What a layer is called: by its own name, or by the attribute that holds it where Keras made the name up."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
from keras.src.utils.naming import to_snake_case

from shapewidget.frameworks.keras.backends import BACKEND

_OF_KERAS = ("_layers", "_functional", "_operations")
"""Attributes in which Keras holds the same layers once more; TensorFlow's own begin with "_self_"."""


class Name(NamedTuple):
    """A layer's name, as shown, and as it is in every copy of the model: Keras counts its own names on."""

    shown: str
    stable: str


class Naming:
    """Names of the layers below each layer; a name once given stays."""

    def __init__(self) -> None:
        """No layer has a name yet."""
        self._attributes: dict[int, dict[int, str]] = {}
        self._stable: dict[tuple[int, int], str] = {}
        self._held: list[Any] = []

    def of(self, layer: keras.layers.Layer, owner: keras.layers.Layer | None) -> Name:
        """The name of a layer that another one calls; None for one that is called from outside."""
        if not is_automatic(layer):
            return Name(layer.name, layer.name)
        if id(owner) not in self._attributes:
            self._held.append(owner)
            self._attributes[id(owner)] = {id(part): path for path, part in attributes(owner)} if owner else {}
        held_as = self._attributes[id(owner)].get(id(layer))
        if held_as is not None:
            return Name(held_as, held_as)
        return Name(layer.name, self._counted(layer, id(owner)))

    def _counted(self, layer: keras.layers.Layer, owner: int) -> str:
        key = owner, id(layer)
        if key not in self._stable:
            self._held.append(layer)
            kind = to_snake_case(type(layer).__name__)
            count = sum(at == owner and stable.split(".")[0] == kind for (at, _), stable in self._stable.items())
            self._stable[key] = f"{kind}.{count}" if count else kind
        return self._stable[key]


def is_automatic(layer: keras.layers.Layer) -> bool:
    """Whether Keras made up the name: "dense_7"."""
    return _made_up(type(layer).__name__).fullmatch(layer.name) is not None


@functools.cache
def _made_up(kind: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(to_snake_case(kind))}(_\d+)?")


def attributes(owner: object) -> Iterator[tuple[str, keras.layers.Layer]]:
    """The layers that a layer of the user's own class holds: "head", "blocks.0"."""
    for name, value in list(BACKEND.attributes(owner).items()):
        if name in _OF_KERAS or name.startswith("_self_"):
            continue
        if isinstance(value, keras.layers.Layer):
            yield name, value
        elif isinstance(value, list | tuple | dict):
            for key, part in value.items() if isinstance(value, dict) else enumerate(value):
                if isinstance(part, keras.layers.Layer):
                    yield f"{name}.{key}", part
