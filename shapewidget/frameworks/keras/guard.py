"""Leave a live model and the process around it exactly as found."""

from __future__ import annotations

import collections
import contextlib
import functools
import operator
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state
from tensorflow.python.eager import context
from tensorflow.python.ops.resource_variable_ops import ResourceVariable

_NAMES = "object_name_uids"
_SEEDS = "global_seed_generator"
_PLAIN = frozenset((bool, int, float, str, type(None)))


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
    attributes = [(layer, dict(vars(layer))) for layer in model._flatten_layers()]
    values = [value for _, state in attributes for value in state.values() if type(value) not in _PLAIN]
    contents = [(value, _items(value)) for value in values if isinstance(value, list | set | dict)]
    held = [(variable, _held(variable)) for variable in _variables(model, values)]
    try:
        with same_process_state():
            yield
    finally:
        for variable, value in held:
            if not _is_still(variable, value):
                variable.assign(value)
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
    return issubclass(kind, keras.Variable | tf.Variable)


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else (value,)


def _held(variable: Any) -> tf.Tensor:
    """The value of a variable. It takes no memory: TensorFlow copies a value that is held before it writes to it."""
    inner = variable.value if isinstance(variable, keras.Variable) else variable
    if type(inner) is ResourceVariable:
        return tf.raw_ops.ReadVariableOp(resource=inner.handle, dtype=inner.dtype)  # as `value()`, in half the time
    return inner.value() if isinstance(inner, tf.Variable) else tf.identity(inner)


def _is_still(variable: Any, value: tf.Tensor) -> bool:
    """Whether a variable has not been written to since: its value lies where it lay."""
    return _address(_held(variable)) == _address(value)


def _address(value: tf.Tensor) -> int:
    address: int = np.asarray(value).__array_interface__["data"][0]
    return address


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
