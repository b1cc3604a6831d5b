"""Leave a live model and the process around it exactly as found."""

from __future__ import annotations

import collections
import contextlib
import functools
import operator
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state
from keras.src.utils.module_utils import tensorflow

from shapewidget.frameworks.keras.backends import BACKEND

_NAMES = "object_name_uids"
_SEEDS = "global_seed_generator"


@contextlib.contextmanager
def without_loading_tensorflow() -> Iterator[None]:
    """Keep Keras from importing TensorFlow for another backend, as it does to write down what a layer is made of."""
    if "tensorflow" in sys.modules or tensorflow._available is not None:
        yield
        return
    tensorflow._available = False
    try:
        yield
    finally:
        tensorflow._available = None


def config_of(made: Any) -> dict[str, Any]:
    """What a layer, loss or optimiser is made from."""
    with without_loading_tensorflow():
        config: dict[str, Any] = made.get_config()
        return config


@contextlib.contextmanager
def same_process_state() -> Iterator[None]:
    """Give random number generators their state back, and Keras its counters of automatic names."""
    python, numpy = random.getstate(), np.random.get_state()
    names = dict(global_state.get_global_attribute(_NAMES) or {})
    seeds = global_state.get_global_attribute(_SEEDS)
    seed = seeds.state.numpy().copy() if seeds is not None else None
    try:
        with BACKEND.same_random_state(), without_loading_tensorflow():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        global_state.set_global_attribute(_NAMES, collections.defaultdict(int, names))
        global_state.set_global_attribute(_SEEDS, seeds)
        if seeds is not None:
            seeds.state.assign(seed)


@contextlib.contextmanager
def untouched(model: keras.Model) -> Iterator[None]:
    """Run the model in the block and find it afterwards as it was, also when the block raises.

    A forward pass writes to running averages, states, seeds and losses, and a layer of the user's own to anything.
    """
    attributes = [(layer, dict(vars(layer))) for layer in model._flatten_layers()]
    contents, variables = _contents(attributes)
    variables |= {id(each): each for each in model.variables if _kind(each) is _Kind.VARIABLE}
    live = list(variables.values())
    held = BACKEND.held(live)
    try:
        with same_process_state():
            yield
    finally:
        BACKEND.give_back(live, held)
        for layer, before in attributes:
            _rebind(layer, before)
        for container, items in contents:
            _refill(container, items)


def _contents(attributes: Sequence[tuple[Any, dict[str, Any]]]) -> tuple[list[tuple[Any, Any]], dict[int, Any]]:
    """What every container of a layer holds, and every variable once, those that the model does not know among them."""
    contents, variables = list[tuple[Any, Any]](), dict[int, Any]()
    for _, state in attributes:
        for value in state.values():
            kind = _kind(value)
            if kind is _Kind.VARIABLE:
                variables[id(value)] = value
            elif kind is _Kind.CONTAINER:
                items = _items(value)
                contents.append((value, items))
                for part in items.values() if isinstance(items, dict) else items:
                    if _kind(part) is _Kind.VARIABLE:
                        variables[id(part)] = part
    return contents, variables


class _Kind(Enum):
    VARIABLE = "variable"
    CONTAINER = "container"
    OTHER = "other"


def _kind(value: Any) -> _Kind:
    kind: Any = type(value)
    return _kind_of(kind)


@functools.lru_cache(maxsize=4096)
def _kind_of(kind: type[Any]) -> _Kind:
    """Asked of a class, as TensorFlow answers slowly of an object, and a model has thousands."""
    if issubclass(kind, (keras.Variable, *BACKEND.variables)):
        return _Kind.VARIABLE
    return _Kind.CONTAINER if issubclass(kind, list | tuple | set | dict) else _Kind.OTHER


def _rebind(layer: Any, before: dict[str, Any]) -> None:
    state = vars(layer)
    for name in [name for name in state if name not in before]:
        del state[name]
    for name, value in before.items():
        if state.get(name) is not value:
            state[name] = value


def _items(container: Any) -> Any:
    """What is in a container; its own `copy` would make one that is tracked."""
    if not container or isinstance(container, tuple):
        return container or ()
    return (
        list(container)
        if isinstance(container, list)
        else {**container}
        if isinstance(container, dict)
        else {*container}
    )


def _refill(container: Any, items: Any) -> None:
    if container is items or (not container and not items):
        return
    if len(container) == len(items) and all(map(operator.is_, _entries(container), _entries(items))):
        return
    container.clear()
    if items:
        container.extend(items) if isinstance(container, list) else container.update(items)


def _entries(container: Any) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container
