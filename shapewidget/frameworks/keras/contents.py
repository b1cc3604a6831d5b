"""What the attributes and containers of all layers hold, kept and given back.

A large model has thousands of both, and next to none of them change: all are compared at once, and looked at one by one
only where that finds a difference. What Keras's own layers keep books in changes as they are made and built, not as
they run; those containers are most of all, and are passed by.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Any

import keras

from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.frameworks.keras.layers import is_keras_own

_FILLED_BY_RUNNING = ("_losses", "_loss_ids")
"""The containers of Keras's own that a call fills."""


class _Kind(Enum):
    VARIABLE = "variable"
    CONTAINER = "container"
    OTHER = "other"


class Contents:
    """What some layers hold: their attributes, and what is in those that are containers.

    Args:
        layers: The layers.

    Attributes:
        variables: Every variable once, in an attribute or in a container, by its identity.
    """

    def __init__(self, layers: Sequence[Any]) -> None:
        """Keep it."""
        states = [vars(layer) for layer in layers]
        variables, containers = list[Any](), list[Any]()
        for layer, state in zip(layers, states, strict=True):
            values = [*state.values()]
            places = _places(is_keras_own(layer), tuple(state), tuple(map(type, values)))
            variables += [values[place] for place in places[_Kind.VARIABLE]]
            containers += [values[place] for place in places[_Kind.CONTAINER]]
        self._attributes, self._inner = _Held(states), _Held(containers)
        self.variables = {id(each): each for each in itertools.chain(variables, self._inner.variables())}

    def give_back(self) -> None:
        """Put back what was bound to something else, filled or emptied since."""
        for state, keys, values in self._attributes.changed():
            _rebind(state, dict(zip(keys, values, strict=True)))
        for container, items, values in self._inner.changed():
            _refill(container, items, values)


class _Held:
    """The items of some containers, one behind the other: of a dict its keys, and behind all of them its values."""

    def __init__(self, containers: Sequence[Any]) -> None:
        self._containers = containers
        self._dicts = [container for container in containers if isinstance(container, dict)]
        self._views = [*containers, *(container.values() for container in self._dicts)]
        self._sizes = [*map(len, self._views)]
        self._items = [*itertools.chain.from_iterable(self._views)]

    def variables(self) -> Iterator[Any]:
        """Those that are in a container."""
        kinds = {kind for kind in set(map(type, self._items)) if kind_of(kind) is _Kind.VARIABLE}
        return itertools.compress(self._items, map(kinds.__contains__, map(type, self._items)))

    def changed(self) -> list[tuple[Any, Sequence[Any], Sequence[Any]]]:
        """The containers that hold something else now, with what they held: items, or keys and values."""
        now = itertools.chain.from_iterable(self._views)
        if [*map(len, self._views)] == self._sizes and all(map(operator.is_, now, self._items)):
            return []
        ends = [*itertools.accumulate(self._sizes)]
        held = [self._items[end - size : end] for end, size in zip(ends, self._sizes, strict=True)]
        values = iter(zip(self._views, held, strict=True))
        found = list[tuple[Any, Sequence[Any], Sequence[Any]]]()
        keys = [*itertools.islice(values, len(self._containers))]
        for container, items in keys:
            view, behind = next(values) if isinstance(container, dict) else ((), [])
            if not (_same(container, items) and _same(view, behind)):
                found.append((container, items, behind))
        return found


def is_variable(value: Any) -> bool:
    """Whether it is a variable, of Keras or of the backend."""
    kind: Any = type(value)
    return kind_of(kind) is _Kind.VARIABLE


@functools.lru_cache(maxsize=4096)
def kind_of(kind: Any) -> _Kind:
    """Asked of a class, as TensorFlow answers slowly of an object, and a model has thousands."""
    if issubclass(kind, (keras.Variable, *BACKEND.variables)):
        return _Kind.VARIABLE
    return _Kind.CONTAINER if issubclass(kind, list | tuple | set | dict) else _Kind.OTHER


@functools.lru_cache(maxsize=1024)
def _places(is_own: bool, names: tuple[str, ...], kinds: tuple[Any, ...]) -> dict[_Kind, list[int]]:
    """Where variables and containers are among the attributes of a layer: asked once of all layers that are alike."""
    found = {kind: [place for place, each in enumerate(kinds) if kind_of(each) is kind] for kind in _Kind}
    if is_own:
        found[_Kind.CONTAINER] = [place for place in found[_Kind.CONTAINER] if not _is_of_keras(names[place])]
    return found


def _is_of_keras(name: str) -> bool:
    return name.startswith("_") and name not in _FILLED_BY_RUNNING


def _same(container: Any, items: Sequence[Any]) -> bool:
    return len(container) == len(items) and all(map(operator.is_, container, items))


def _rebind(state: dict[str, Any], before: dict[str, Any]) -> None:
    for name in [name for name in state if name not in before]:
        del state[name]
    for name, value in before.items():
        if name not in state or state[name] is not value:
            state[name] = value


def _refill(container: Any, items: Sequence[Any], values: Iterable[Any]) -> None:
    container.clear()
    if isinstance(container, dict):
        container.update(dict(zip(items, values, strict=True)))
    elif items:
        container.extend(items) if isinstance(container, list) else container.update(items)
