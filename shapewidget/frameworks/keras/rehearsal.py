"""Build a model to see its shapes only, without the time and memory that filling its weights takes."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

import keras
from keras.src.backend.common import global_state

from shapewidget.frameworks.keras.guard import same_process_state

_PENDING = "uninitialized_variables"


@contextlib.contextmanager
def rehearsing() -> Iterator[None]:
    """What the block builds has weights without values; nothing of it is left to Keras to fill in later."""
    pending = list(global_state.get_global_attribute(_PENDING) or [])
    with same_process_state(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with keras.StatelessScope(initialize_variables=False):
                yield
        finally:
            global_state.set_global_attribute(_PENDING, pending)
