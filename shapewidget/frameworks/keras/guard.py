"""Leave a live model and the process around it exactly as found."""

from __future__ import annotations

import collections
import contextlib
import random
import sys
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.common import global_state
from tensorflow.python.eager import context

_NAMES = "object_name_uids"
_SEEDS = "global_seed_generator"


@contextlib.contextmanager
def same_process_state() -> Iterator[None]:
    """Give random number generators their state back, and Keras its counters of automatic names."""
    python, numpy = random.getstate(), sys.modules["numpy"].random.get_state()
    names = dict(global_state.get_global_attribute(_NAMES) or {})
    seeds = global_state.get_global_attribute(_SEEDS)
    seed = seeds.state.numpy().copy() if seeds is not None else None
    inner = getattr(context.context(), "_rng", None)
    drawn = inner.getstate() if inner is not None else None
    try:
        yield
    finally:
        random.setstate(python)
        sys.modules["numpy"].random.set_state(numpy)
        global_state.set_global_attribute(_NAMES, collections.defaultdict(int, names))
        global_state.set_global_attribute(_SEEDS, seeds)
        if seeds is not None:
            seeds.state.assign(seed)
        if inner is not None:
            inner.setstate(drawn)


@contextlib.contextmanager
def untouched(model: keras.Model) -> Iterator[None]:
    """Run the model in the block and find it afterwards as it was, also when the block raises.

    An eager forward pass writes to variables that are not trained: running averages, states, seeds.
    """
    layers = list(model._flatten_layers())
    attributes = [(layer, dict(vars(layer))) for layer in layers]
    held = [(variable, tf.identity(variable.value)) for variable in model.non_trainable_variables]
    try:
        with same_process_state():
            yield
    finally:
        for variable, value in held:
            variable.assign(value)
        for layer, before in attributes:
            _rebind(layer, before)


def _rebind(layer: Any, before: dict[str, Any]) -> None:
    state = vars(layer)
    for name in [name for name in state if name not in before]:
        del state[name]
    for name, value in before.items():
        if state.get(name) is not value:
            state[name] = value
