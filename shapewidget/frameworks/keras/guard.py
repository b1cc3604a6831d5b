"""Leave a live model and the process around it exactly as found."""

from __future__ import annotations

import collections
import contextlib
import functools
import operator
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state
from keras.src.utils.module_utils import tensorflow

from shapewidget.frameworks.keras.backends import BACKEND

_NAMES = "object_name_uids"
_SEEDS = "global_seed_generator"
_PLAIN = frozenset((bool, int, float, str, type(None)))


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
    values = [value for _, state in attributes for value in state.values() if type(value) not in _PLAIN]
    contents = [(value, _items(value)) for value in values if isinstance(value, list | set | dict)]
    held = [(variable, BACKEND.held(variable)) for variable in _variables(model, values)]
    try:
        with same_process_state():
            yield
    finally:
        for variable, value in held:
            if not BACKEND.is_still(variable, value):
                BACKEND.give_back(variable, value)
        for layer, before in attributes:
            _rebind(layer, before)
        for container, items in contents:
            _refill(container, items)


def _variables(model: keras.Model, values: Sequence[Any]) -> Iterable[Any]:
    """Every variable, each once: of the states that a recurrent layer keeps the model itself does not know."""
    found: dict[int, Any] = {}
    for variable in (*model.variables, *(part for value in values for part in _parts(value))):
        kind: Any = type(variable)
        if _is_variable(kind):
            found[id(variable)] = variable
    return found.values()


@functools.lru_cache(maxsize=1024)
def _is_variable(kind: type[Any]) -> bool:
    """Asked of a class, as TensorFlow answers slowly of an object, and a model has thousands."""
    return issubclass(kind, (keras.Variable, *BACKEND.variables))


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else (value,)


def _rebind(layer: Any, before: dict[str, Any]) -> None:
    state = vars(layer)
    for name in [name for name in state if name not in before]:
        del state[name]
    for name, value in before.items():
        if state.get(name) is not value:
            state[name] = value


def _items(container: Any) -> Any:
    """What is in a container; its own `copy` would make one that is tracked."""
    if not container:
        return ()
    return (
        list(container)
        if isinstance(container, list)
        else {**container}
        if isinstance(container, dict)
        else {*container}
    )


def _refill(container: Any, items: Any) -> None:
    if len(container) == len(items) and all(map(operator.is_, _entries(container), _entries(items))):
        return
    container.clear()
    if items:
        container.extend(items) if isinstance(container, list) else container.update(items)


def _entries(container: Any) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container
