"""The passes that a program makes over its loaders: what is drawn, where a pass ends, and where a batch fails."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _BaseDataLoaderIter

from shapewidget.frameworks.nesting import size_of
from shapewidget.frameworks.source import current, here, resolve
from shapewidget.frameworks.source.counted_samples import counted_full
from shapewidget.frameworks.torch.loading import has_fixed_order, length_of
from shapewidget.graph.training import Stream

Drawn = Callable[[int, int, Any], None]
"""Called with the pass, how many batches it has given, and the last of them."""


@dataclass
class _Pass:
    number: int
    loader: DataLoader[Any]
    is_over: bool = False


class Draws:
    """Notes every batch that the block draws from a `DataLoader`; the loaders work as they do without us.

    Args:
        begun: Called with the loader of every pass.
        drawn: Called for every batch.
        ended: Called with a pass that came to its end, and how many batches it gave.
        aside: What a loader's own work, the reading and stacking of samples, runs in.

    Attributes:
        failed: The loader that raised last, and at which batch.
        loaders: Those that were gone through.
    """

    def __init__(
        self,
        begun: Callable[[Any], None] = lambda _: None,
        drawn: Drawn = lambda *_: None,
        ended: Callable[[int, int], None] = lambda *_: None,
        aside: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        """No pass was made yet."""
        self.failed: tuple[Any, int] | None = None
        self._begun, self._drawn, self._ended, self._aside = begun, drawn, ended, aside
        self.loaders: list[DataLoader[Any]] = []
        self._streams: list[Stream] = []
        self._passes: weakref.WeakKeyDictionary[Any, _Pass] = weakref.WeakKeyDictionary()
        self._count = 0
        self._thread = threading.get_ident()

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The passes, in the order in which they began."""
        return tuple(self._streams)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Note what the block draws."""
        begin, again, step = DataLoader.__iter__, _BaseDataLoaderIter.__iter__, _BaseDataLoaderIter.__next__

        def begun(loader: DataLoader[Any]) -> Any:
            iterator = begin(loader)
            if threading.get_ident() == self._thread:
                self._begin(loader, iterator)
            return iterator

        def drawn(iterator: Any) -> Any:
            found = self._passes.get(iterator) if threading.get_ident() == self._thread else None
            return step(iterator) if found is None else self._step(step, iterator, found)

        def begun_again(iterator: Any) -> Any:
            found = self._passes.get(iterator) if threading.get_ident() == self._thread else None
            if found is not None and found.is_over:
                self._begin_again(found)
            return again(iterator)

        DataLoader.__iter__ = begun  # type: ignore[method-assign]
        _BaseDataLoaderIter.__iter__ = begun_again  # type: ignore[method-assign]
        _BaseDataLoaderIter.__next__ = drawn  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            DataLoader.__iter__ = begin  # type: ignore[method-assign]
            _BaseDataLoaderIter.__iter__ = again  # type: ignore[method-assign]
            _BaseDataLoaderIter.__next__ = step  # type: ignore[method-assign]

    def _begin(self, loader: DataLoader[Any], iterator: Any) -> None:
        self._begun(loader)
        number = next((place for place, each in enumerate(self.loaders) if each is loader), len(self.loaders))
        if number == len(self.loaders):
            self.loaders.append(loader)
        samples = length_of(loader.dataset)
        title = f"{type(loader).__name__} {number + 1}" + (f", of {samples} samples" if samples is not None else "")
        stream = Stream(number, title, length_of(loader), not has_fixed_order(loader), first=self._count)
        self._passes[iterator] = _Pass(len(self._streams), loader)
        self._streams.append(stream)

    def _begin_again(self, found: _Pass) -> None:
        """Note a loop over an iterator that is at its end; `islice` asks for it too, to see whether it is."""
        place = here()
        text = (resolve(place).text if place is not None else None) or ""
        if text.startswith("for ") and "islice" not in text:
            stream = self._streams[found.number]
            self._streams[found.number] = replace(stream, begun_again=stream.begun_again + 1)

    def _end(self, found: _Pass, stream: Stream) -> None:
        """Look, where the last batch is short, whether the program counts it as a full one."""
        full, newest = stream.full, stream.newest
        if full is not None and newest is not None and newest < full and stream.is_even:
            with contextlib.suppress(Exception):  # the user's names may stand for anything
                counted = counted_full(current(), found.loader, full)
                self._streams[found.number] = replace(stream, counted_full=counted)

    def _step(self, step: Callable[[Any], Any], iterator: Any, found: _Pass) -> Any:
        stream = self._streams[found.number]
        try:
            with self._aside():
                batch = step(iterator)
        except StopIteration:
            found.is_over = True
            self._end(found, stream)
            self._ended(found.number, stream.drawn)
            raise
        except Exception:
            self.failed = found.loader, stream.drawn
            raise
        self._count += 1
        stream = stream.with_batch(size_of(batch), self._count)
        self._streams[found.number] = stream
        self._drawn(found.number, stream.drawn, batch)
        return batch
