"""What models of Keras are trained on besides arrays."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

import keras


def is_dataset(value: Any) -> bool:
    """Whether it is a dataset of Keras or TensorFlow."""
    return isinstance(value, keras.utils.PyDataset) or is_of_tensorflow(value)


def is_of_tensorflow(value: Any) -> bool:
    """Whether it is a `tf.data.Dataset`; TensorFlow is loaded where there is one."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(value, tensorflow.data.Dataset)


def failed_py_dataset(error: BaseException) -> tuple[Any, int] | None:
    """The `PyDataset` whose `__getitem__` raised, and the batch that was asked for."""
    trace = error.__traceback__
    while isinstance(trace, TracebackType):
        code, values = trace.tb_frame.f_code, trace.tb_frame.f_locals
        if code.co_name == "__getitem__" and code.co_argcount == 2:
            owner, place = (values.get(name) for name in code.co_varnames[:2])
            if isinstance(owner, keras.utils.PyDataset) and isinstance(place, int):
                return owner, place
        trace = trace.tb_next
    return None
