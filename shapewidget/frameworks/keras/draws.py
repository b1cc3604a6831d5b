"""Which dataset could not give a batch, while a program's own loop went through it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import keras
from tensorflow.python.data.ops.iterator_ops import OwnedIterator


class Draws:
    """Notes the `tf.data.Dataset` that raised in the block; it is read as it is without us.

    Attributes:
        failed: The dataset that raised last, and at which batch.
    """

    def __init__(self) -> None:
        """Nothing was drawn yet."""
        self.failed: tuple[Any, int] | None = None
        self._counts: dict[int, int] = {}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Note what raises in the block."""
        step = OwnedIterator.__next__

        def drawn(iterator: Any) -> Any:
            count = self._counts.get(id(iterator), 0)
            try:
                batch = step(iterator)
            except StopIteration:
                self._counts.pop(id(iterator), None)
                raise
            except Exception:
                self.failed = iterator._dataset, count
                raise
            self._counts[id(iterator)] = count + 1
            return batch

        OwnedIterator.__next__ = drawn
        try:
            yield
        finally:
            OwnedIterator.__next__ = step


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
