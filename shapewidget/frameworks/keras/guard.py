"""Leave a live model and the process around it exactly as found."""

from __future__ import annotations

import collections
import contextlib
import random
import sys
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state
from keras.src.utils.module_utils import tensorflow

from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.frameworks.keras.contents import Contents, is_variable

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
    contents = Contents([*model._flatten_layers()])
    variables = contents.variables | {id(each): each for each in model.variables if is_variable(each)}
    give_back = BACKEND.held(list(variables.values()))
    try:
        with same_process_state():
            yield
    finally:
        give_back()
        contents.give_back()
