"""Two `DataLoader`s that a loader of the user's reads side by side, each shuffled by itself."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset, RandomSampler

from shapewidget.frameworks.nesting import named_arrays, split
from shapewidget.frameworks.torch.columns import columns_as_rows
from shapewidget.frameworks.torch.samplers import sampler_of
from shapewidget.graph.batches import Columns, JoinedApart, RowsApart

_BATCHES = 3
Batches = Callable[[], Iterator[Any]]


@dataclass
class _Stream:
    """One pass over an inner loader: which samples it drew last, and the batch that it made of them."""

    loader: DataLoader[Any]
    indices: list[int] = field(default_factory=list)
    batch: Any = None

    def drawn(self, batches: Any) -> Iterator[list[int]]:
        for indices in batches:
            self.indices = list(indices)
            yield self.indices

    def through(self, iterator: Iterator[Any]) -> Iterator[Any]:
        for self.batch in iterator:
            yield self.batch


def joined_apart(batches: Batches, step: str, *, is_supervised: bool) -> JoinedApart | RowsApart | None:
    """Rows of two shuffled loaders that one sample is made of, or that are its input and its label.

    Two loaders of one data set, or with a label each, may be meant to give pairs by chance.

    Args:
        batches: Begins a pass of the loader that reads them.
        step: What that is called.
        is_supervised: Whether a loss compares what comes of the first part of a batch with the second.
    """
    with _noted() as streams:
        for batch in islice(batches(), _BATCHES):
            for one, other in combinations(streams, 2):
                apart = sum(a != b for a, b in zip(one.indices, other.indices, strict=False))
                if not apart or not _belong_together(one, other):
                    continue
                rows = len(one.indices)
                if any(_holds(array, one) and _holds(array, other) for _, array in named_arrays(batch)):
                    return JoinedApart(step, rows, apart, len(one.loader.dataset), _is_one_order(batches))  # type: ignore[arg-type]
                if is_supervised and _is_input_and_label(batch, one, other):
                    return RowsApart(step, rows, apart)
    return None


def turned(batches: Batches, step: str) -> Columns | None:
    """A loader that makes its batches of those of another one, and puts features in the place of samples."""
    with _noted() as streams:
        for batch in islice(batches(), _BATCHES):
            for stream in streams:
                samples = [stream.loader.dataset[each] for each in stream.indices]
                found = columns_as_rows(samples, batch, step)
                if found is not None:
                    return found
    return None


def _belong_together(one: _Stream, other: _Stream) -> bool:
    """Whether both draw from as many samples, at random, and only one of them has labels."""
    datasets: list[Any] = [one.loader.dataset, other.loader.dataset]
    parts = [len(named) for named in (list(named_arrays(each.batch)) for each in (one, other))]
    is_random = all(isinstance(sampler_of(each.loader), RandomSampler) for each in (one, other))
    is_apart = datasets[0] is not datasets[1] and len(datasets[0]) == len(datasets[1])
    return is_random and is_apart and min(parts) == 1 and len(one.indices) == len(other.indices) > 1


def _holds(array: Any, stream: _Stream) -> bool:
    """Whether the rows of an array hold those of the first part of a stream's batch, side by side with others."""
    own = next((each for _, each in named_arrays(stream.batch)), None)
    if not isinstance(array, torch.Tensor) or not isinstance(own, torch.Tensor) or own.dim() < 1:
        return False
    if len(array) != len(own) or array.dtype != own.dtype or array.numel() % len(array) or own.numel() < len(own):
        return False
    whole, part = array.reshape(len(array), -1), own.reshape(len(own), -1)
    room = whole.shape[1] - part.shape[1]
    if room < 0 or bool((part == part[:1]).all()):
        return False
    return any(torch.equal(whole[:, at : at + part.shape[1]], part) for at in {0, room, *range(0, room, part.shape[1])})


def _is_input_and_label(batch: Any, one: _Stream, other: _Stream) -> bool:
    """Whether the inputs come of one stream alone, and the targets of the other."""
    inputs, targets = ([array for _, array in named_arrays(part)] for part in split(batch))
    is_pair = len(inputs) == len(targets) == 1
    is_bare = all(len(list(named_arrays(stream.batch))) == 1 for stream in (one, other))
    pairs = ((one, other), (other, one))
    return is_pair and is_bare and any(_holds(inputs[0], a) and _holds(targets[0], b) for a, b in pairs)


def _is_one_order(batches: Batches) -> bool:
    """Whether both streams give the same samples once they draw from one sampler."""
    with _noted(shared=True) as streams:
        for _ in islice(batches(), _BATCHES):
            if len({tuple(stream.indices) for stream in streams}) != 1:
                return False
    return len(streams) > 1


@contextlib.contextmanager
def _noted(*, shared: bool = False) -> Iterator[list[_Stream]]:
    """Let every `DataLoader` that is begun note what it draws; with `shared`, those of one length draw the same."""
    original, streams = DataLoader.__iter__, list[_Stream]()
    orders: dict[int, list[list[int]]] = {}

    def begun(loader: DataLoader[Any]) -> Iterator[Any]:
        if isinstance(loader.dataset, IterableDataset) or loader.batch_sampler is None:
            return original(loader)
        stream, twin = _Stream(loader), copy.copy(loader)
        streams.append(stream)
        drawn: Any = loader.batch_sampler
        if shared:
            drawn = orders.setdefault(len(loader.dataset), [list(each) for each in loader.batch_sampler])  # type: ignore[arg-type]
        vars(twin).update(_iterator=None, persistent_workers=False, num_workers=0, prefetch_factor=None)
        vars(twin)["batch_sampler"] = _Order(stream.drawn(drawn))
        return stream.through(original(twin))

    DataLoader.__iter__ = begun  # type: ignore[method-assign, assignment]
    try:
        yield streams
    finally:
        DataLoader.__iter__ = original  # type: ignore[method-assign]


class _Order:
    """A batch sampler that is gone through once."""

    def __init__(self, batches: Iterator[list[int]]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[list[int]]:
        return self._batches
