"""Leave a live model and the process around it exactly as found."""

from __future__ import annotations

import collections
import contextlib
import operator
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state
from tensorflow.python.eager import context

_NAMES = "object_name_uids"
_SEEDS = "global_seed_generator"


@contextlib.contextmanager
def same_process_state() -> Iterator[None]:
    """Give random number generators their state back, and Keras its counters of automatic names."""
    python, numpy = random.getstate(), np.random.get_state()
    names = dict(global_state.get_global_attribute(_NAMES) or {})
    seeds = global_state.get_global_attribute(_SEEDS)
    seed = seeds.state.numpy().copy() if seeds is not None else None
    inner = getattr(context.context(), "_rng", None)
    drawn = inner.getstate() if inner is not None else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        global_state.set_global_attribute(_NAMES, collections.defaultdict(int, names))
        global_state.set_global_attribute(_SEEDS, seeds)
        if seeds is not None:
            seeds.state.assign(seed)
        if inner is not None:
            inner.setstate(drawn)


@contextlib.contextmanager
def untouched(model: keras.Model) -> Iterator[None]:
    """Run the model in the block and find it afterwards as it was, also when the block raises.

    A forward pass writes to running averages, states, seeds and losses, and a layer of the user's own to anything.
    """
    layers = list(model._flatten_layers())
    attributes = [(layer, dict(vars(layer)), _contents(layer)) for layer in layers]
    held = [(variable, _held(variable)) for variable in _variables(model, layers)]
    try:
        with same_process_state():
            yield
    finally:
        for variable, value in held:
            if not _is_still(variable, value):
                variable.assign(value)
        for layer, before, contents in attributes:
            _rebind(layer, before)
            for container, items in contents:
                _refill(container, items)


def _variables(model: keras.Model, layers: Sequence[Any]) -> Iterator[Any]:
    """Every variable, each once: of the states that a recurrent layer keeps the model itself does not know."""
    of_layers = (value for layer in layers for part in vars(layer).values() for value in _parts(part))
    seen = set()
    for variable in (*model.variables, *of_layers):
        if isinstance(variable, keras.Variable | tf.Variable) and id(variable) not in seen:
            seen.add(id(variable))
            yield variable


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else [value]


def _held(variable: Any) -> tf.Tensor:
    """The value of a variable. It takes no memory: TensorFlow copies a value that is held before it writes to it."""
    inner = variable.value if isinstance(variable, keras.Variable) else variable
    return inner.value() if isinstance(inner, tf.Variable) else tf.identity(inner)


def _is_still(variable: Any, value: tf.Tensor) -> bool:
    """Whether a variable has not been written to since: its value lies where it lay."""
    now = np.asarray(_held(variable))
    return bool(now.ctypes.data == np.asarray(value).ctypes.data)


def _rebind(layer: Any, before: dict[str, Any]) -> None:
    state = vars(layer)
    for name in [name for name in state if name not in before]:
        del state[name]
    for name, value in before.items():
        if state.get(name) is not value:
            state[name] = value


def _contents(layer: Any) -> list[tuple[Any, Any]]:
    """The lists, sets and dicts that a layer holds, with what is in them."""
    return [(value, value.copy()) for value in vars(layer).values() if isinstance(value, list | set | dict)]


def _refill(container: Any, items: Any) -> None:
    if len(container) == len(items) and all(map(operator.is_, _entries(container), _entries(items))):
        return
    container.clear()
    container.extend(items) if isinstance(container, list) else container.update(items)


def _entries(container: Any) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container
