"""The passes that a program makes over its `tf.data` datasets: what is drawn, where a pass ends, and what raises."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from tensorflow.python.data.ops.iterator_ops import OwnedIterator

from shapewidget.frameworks.keras.loading import is_shuffled, length_of
from shapewidget.frameworks.nesting import size_of
from shapewidget.graph.training import Stream

Drawn = Callable[[int, int, Any], None]
"""Called with the pass, how many batches it has given, and the last of them."""


@dataclass
class _Pass:
    number: int
    dataset: Any


class Draws:
    """Notes every batch that the block draws from a `tf.data.Dataset`; it is read as it is without us.

    Args:
        drawn: Called for every batch.
        ended: Called with a pass that came to its end, and how many batches it gave.

    Attributes:
        failed: The dataset that raised last, and at which batch.
        datasets: Those that were gone through.
    """

    def __init__(self, drawn: Drawn, ended: Callable[[int, int], None]) -> None:
        """Nothing was drawn yet."""
        self.failed: tuple[Any, int] | None = None
        self._drawn, self._ended = drawn, ended
        self.datasets: list[Any] = []
        self._streams: list[Stream] = []
        self._passes: weakref.WeakKeyDictionary[Any, _Pass] = weakref.WeakKeyDictionary()
        self._count = 0

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The passes, in the order in which they began."""
        return tuple(self._streams)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Note what the block draws."""
        step = OwnedIterator._next_internal

        def drawn(iterator: Any) -> Any:
            __tracebackhide__ = True
            if not tf.executing_eagerly() or getattr(iterator, "_dataset", None) is None:
                return step(iterator)
            return self._step(step, iterator)

        OwnedIterator._next_internal = drawn
        try:
            yield
        finally:
            OwnedIterator._next_internal = step

    def _step(self, step: Callable[[Any], Any], iterator: Any) -> Any:
        found = self._passes.get(iterator) or self._begun(iterator)
        stream = self._streams[found.number]
        try:
            batch = step(iterator)
        except tf.errors.OutOfRangeError:
            self._ended(found.number, stream.drawn)
            raise
        except Exception:
            self.failed = found.dataset, stream.drawn
            raise
        self._count += 1
        self._streams[found.number] = stream.with_batch(size_of(batch), self._count)
        self._drawn(found.number, stream.drawn + 1, batch)
        return batch

    def _begun(self, iterator: Any) -> _Pass:
        dataset = iterator._dataset
        number = next((place for place, each in enumerate(self.datasets) if each is dataset), len(self.datasets))
        if number == len(self.datasets):
            self.datasets.append(dataset)
        title = f"Dataset {number + 1}"
        self._passes[iterator] = _Pass(len(self._streams), dataset)
        self._streams.append(Stream(number, title, length_of(dataset), is_shuffled(dataset), first=self._count))
        return self._passes[iterator]
