"""Go through a `DataLoader` without changing it, and say why a batch could not be made.

The pass is made on a shallow copy whose sampler notes the indices that it draws, so that a batch that fails can be
made again, sample by sample, in this process.
"""

from __future__ import annotations

import bisect
import contextlib
import copy
import functools
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from types import FunctionType
from typing import Any

from torch.utils.data import BatchSampler, DataLoader, IterableDataset, RandomSampler, SequentialSampler

from shapewidget.errors import InputError
from shapewidget.frameworks.as_found import as_found
from shapewidget.frameworks.label_padding import padded_labels
from shapewidget.frameworks.loading import Reading, Remade, error_text, methods_of, raised_at
from shapewidget.frameworks.nesting import disagreement, split
from shapewidget.frameworks.rank_streams import ranks_of_streams
from shapewidget.frameworks.torch.collate_statistics import measured_over_batch
from shapewidget.frameworks.torch.collating import collated
from shapewidget.frameworks.torch.guard import same_random_state
from shapewidget.frameworks.torch.joined_loaders import joined_apart, turned
from shapewidget.frameworks.torch.pairing import joins_targets, mispaired
from shapewidget.frameworks.torch.samplers import (
    drawn_from,
    is_whole_when_remade,
    is_whole_when_weighed,
    part_drawn,
    sampler_of,
)
from shapewidget.frameworks.torch.sharding import divided, ranks_of, worker_share
from shapewidget.graph.batches import (
    Failure,
    InnerPass,
    LoaderSettings,
    Mispaired,
    Ranks,
    SharedStatistics,
    WorkerShare,
)
from shapewidget.graph.padding import PaddedLabels

_FIXED_ORDER = (SequentialSampler,)
_TRIED = 16
"""Samples that are read before and behind where they begin to raise."""
_DIVIDING = "itertools.islice(data, rank, None, world_size) in __iter__"


def reading(loader: Any) -> Reading:
    """How to go through a loader in a program that has torch."""
    return DataLoaderReading(loader) if isinstance(loader, DataLoader) else PlainReading(loader)


class PlainReading(Reading):
    """A loader that is none of torch's, but may read some that are."""

    def __init__(self, loader: Any) -> None:
        """Look at the loader; nothing is read yet."""
        super().__init__(loader, same_random_state)
        self._inner: list[_CountedPass] = []

    def batches(self) -> Iterator[Any]:
        """One pass, which notes how far the loaders inside it are read."""
        self._inner = []
        return self._pass(self._inner)

    def is_whole_when_repeated(self, limit: int) -> bool:
        """Whether the longest `DataLoader` ends in a pass in which the shorter ones begin again at their end."""
        longest = max((one.loader for one in self._inner if one.is_sized), key=len, default=None)
        if longest is None or len(longest) > limit:
            return False
        inner: list[_CountedPass] = []
        for count, _ in enumerate(self._pass(inner, repeat=lambda loader: len(loader) < len(longest)), 1):
            if count > limit:
                return False
        return any(one.loader is longest and one.drawn == len(longest) for one in inner)

    def _pass(
        self, inner: list[_CountedPass], repeat: Callable[[DataLoader[Any]], bool] = lambda _: False
    ) -> Iterator[Any]:
        original = DataLoader.__iter__

        def counted(loader: DataLoader[Any]) -> Iterator[Any]:
            again = functools.partial(original, loader) if repeat(loader) else None
            inner.append(_CountedPass(loader, original(loader), again))
            return inner[-1]

        DataLoader.__iter__ = counted  # type: ignore[method-assign, assignment]
        try:
            yield from super().batches()
        finally:
            DataLoader.__iter__ = original  # type: ignore[method-assign]

    def mispaired(self, *, is_supervised: bool = False) -> Mispaired | None:
        """Labels, or parts of a sample, that it takes from loaders which are shuffled one by one."""
        found = super().mispaired(is_supervised=is_supervised)
        if found is None and len(self._inner) > 1:
            found = joined_apart(super().batches, self.settings.title, is_supervised=is_supervised)
        return found or (turned(super().batches, self.settings.title) if self._inner else None)

    def inner_passes(self) -> tuple[InnerPass, ...]:
        """How far each `DataLoader` got in the pass that took it farthest."""
        farthest: dict[int, _CountedPass] = {}
        for one in self._inner:
            if id(one.loader) not in farthest or farthest[id(one.loader)].drawn < one.drawn:
                farthest[id(one.loader)] = one
        return tuple(one.summary(place) for place, one in enumerate(farthest.values(), 1) if one.is_sized)


class _CountedPass:
    """The iterator of a loader, counting what is drawn; begun again at its end where that is asked for."""

    def __init__(
        self, loader: DataLoader[Any], iterator: Iterator[Any], again: Callable[[], Iterator[Any]] | None = None
    ) -> None:
        self.loader, self._iterator, self._again, self.drawn = loader, iterator, again, 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            batch = next(self._iterator)
        except StopIteration:
            if self._again is None:
                raise
            self._iterator = self._again()
            batch = next(self._iterator)
        self.drawn += 1
        return batch

    def __len__(self) -> int:
        return len(self._iterator)  # type: ignore[arg-type]

    @property
    def is_sized(self) -> bool:
        return length_of(self.loader) is not None

    def summary(self, place: int) -> InnerPass:
        title = f"{type(self.loader).__name__} {place}, of {length_of(self.loader.dataset)} samples"
        return InnerPass(title, len(self.loader), self.drawn, not has_fixed_order(self.loader))


class DataLoaderReading(Reading):
    """A `DataLoader` of any kind."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        """Look at the loader; nothing is read yet."""
        super().__init__(loader, same_random_state)
        sampler: Any = loader.batch_sampler
        is_standard = type(sampler) is BatchSampler
        self.settings = LoaderSettings(
            type(loader).__name__,
            samples=length_of(loader.dataset) if not isinstance(loader.dataset, IterableDataset) else None,
            batches=length_of(loader),
            batch_size=sampler.batch_size if is_standard else loader.batch_size,
            drop_last=sampler.drop_last if is_standard else bool(loader.drop_last),
            shuffles=not has_fixed_order(loader),
            has_own_batches=sampler is not None and not is_standard,
            collate=_name(loader.collate_fn),
            sampler=type(sampler_of(loader)).__name__,
            drawn_from=drawn_from(sampler_of(loader), loader.dataset),
        )
        self._drawn = _Drawn()

    def batches(self) -> Iterator[Any]:
        """One pass over a copy, whose workers end with it."""
        self._drawn = _Drawn()
        iterator = iter(self._copy(self._drawn))
        try:
            yield from iterator
        finally:
            stop = getattr(iterator, "_shutdown_workers", None)  # an error that is kept would keep them running
            if stop is not None:
                stop()

    def _copy(self, drawn: _Drawn) -> DataLoader[Any]:
        twin: DataLoader[Any] = copy.copy(self.loader)
        fields = vars(twin)
        fields.update(_iterator=None, persistent_workers=False)
        if not isinstance(self.loader.dataset, IterableDataset):
            name = "batch_sampler" if self.loader.batch_sampler is not None else "sampler"
            fields[name] = _NotedSampler(fields[name], drawn)
        return twin

    def makers(self) -> Iterator[tuple[FunctionType, Remade]]:
        """The collate function, and the methods of the data set."""
        collate = self.loader.collate_fn
        if isinstance(collate, FunctionType) and not collate.__module__.startswith("torch."):
            yield collate, lambda made: self._with("collate_fn", made)
        for method, remade in methods_of(self.loader.dataset):
            yield method, functools.partial(self._with_dataset, remade)

    def _with_dataset(self, remade: Remade, made: FunctionType) -> DataLoader[Any]:
        return self._with("dataset", remade(made))

    def _with(self, name: str, value: Any) -> DataLoader[Any]:
        twin: DataLoader[Any] = copy.copy(self.loader)
        vars(twin).update({"_iterator": None, "persistent_workers": False, "num_workers": 0, name: value})
        return twin

    # -- what failed ------------------------------------------------------------------------------------------------

    def failure(self, index: int, error: Exception) -> Failure:
        """Which sample, or which two, the batch could not be made of."""
        report = functools.partial(Failure, index, error=error_text(error), source=raised_at(error))
        drawn = self._indices(index)
        if drawn is None:
            return report(step="__iter__")
        indices, samples = drawn, []
        for place, read in enumerate(self._reads(index, indices)):
            try:
                samples.append(read())
            except Exception as cause:
                failed = Failure(index, "__getitem__", error_text(cause), indices[place], source=raised_at(cause))
                return replace(failed, readable=self._readable(indices[place], type(cause)))
        found = disagreement(samples, indices)
        is_default = self.settings.collate == "default_collate" or _went_through(error, "default_collate")
        fix = ""
        if is_default and found is not None:
            with contextlib.suppress(Exception):  # fields of several kinds may refuse this too
                fix, self.mended = collated(samples)
        return report(step="default_collate" if is_default else self.settings.collate, disagreement=found, fix=fix)

    def _readable(self, failed: int, error: type[Exception]) -> int | None:
        """How many samples can be read where all behind them raise an error; None where some are in between."""
        dataset, samples = self.loader.dataset, self.settings.samples or 0

        def raises(place: int) -> bool:
            try:
                dataset[place]
            except Exception as cause:
                return type(cause) is error
            return False

        if isinstance(dataset, IterableDataset) or not 0 < failed < samples:
            return None
        count = bisect.bisect_left(range(failed), True, key=raises)
        before = [*range(0, count, max(count // _TRIED, 1)), count - 1]
        behind = [*range(count, samples, max((samples - count) // _TRIED, 1)), samples - 1]
        is_end = count > 0 and all(map(raises, behind)) and not any(map(raises, before))
        return count if is_end else None

    def _indices(self, index: int) -> list[int] | None:
        """The samples of a batch: their indices, or of an iterable data set their places."""
        if isinstance(self.loader.dataset, IterableDataset):
            size = self.settings.batch_size
            return None if size is None or self.loader.num_workers else list(range(index * size, (index + 1) * size))
        drawn = self._drawn.at(index)
        if drawn is None:
            return None
        return list(drawn) if self.loader.batch_sampler is not None else [drawn]

    def _reads(self, index: int, indices: list[int]) -> list[Callable[[], Any]]:
        dataset = self.loader.dataset
        if isinstance(dataset, IterableDataset):
            samples = list(islice(iter(dataset), indices[0], indices[-1] + 1))
            return [functools.partial(samples.__getitem__, place) for place in range(len(samples))]
        return [functools.partial(dataset.__getitem__, each) for each in indices]

    # -- batches that are left over ---------------------------------------------------------------------------------

    def remainder(self) -> Any | None:
        """The last batch that is not full, made in this process."""
        size, samples = self.settings.batch_size, self.settings.samples
        if size is None or samples is None or self.settings.has_own_batches or self.loader.batch_sampler is None:
            return None
        indices = list(self.loader.sampler)
        left = indices[len(indices) // size * size :]
        return self.loader.collate_fn([self.loader.dataset[each] for each in left]) if left else None

    def part_drawn(self) -> int | None:
        """How many samples from the first on an own sampler draws, where the others are classes of their own."""
        return part_drawn(self.loader)

    def is_whole_when_weighed(self) -> bool:
        """Whether a sampler draws from all of the data once it weighs samples, or is made of that data."""
        return is_whole_when_weighed(self.loader) or is_whole_when_remade(self.loader)

    # -- ranks and workers ------------------------------------------------------------------------------------------

    def ranks(self, count: int | None) -> Ranks | None:
        """What each rank reads, of as many as are asked for or as the sampler divides among."""
        replicas = getattr(self.loader.sampler, "num_replicas", None)
        if count is None and replicas is None:
            return None
        if self.settings.samples is None:
            raise InputError(
                f"ranks={count} asks how a sampler splits the data, and {type(self.loader.dataset).__name__} is read "
                f"without one: it has to split itself. Expected a data set with __len__ and __getitem__."
            )
        return ranks_of(divided(self.loader, count if count is not None else int(replicas or 1)))

    def worker_share(self) -> WorkerShare | None:
        """What the workers of an iterable data set read together, one after the other in this process."""
        if not isinstance(self.loader.dataset, IterableDataset) or self.loader.num_workers < 2:
            return None
        with contextlib.suppress(Exception):  # what cannot be copied cannot be compared
            return worker_share(self.loader)
        return None

    def shared_statistics(self) -> SharedStatistics | None:
        """What the collate function measures over a batch, and scales every sample of it by."""
        with contextlib.suppress(Exception):  # a function of the user's, run on what it was not written for
            return measured_over_batch(self.loader)
        return None

    def joins_targets(self) -> bool:
        """Whether the targets of a batch are the rows of all its samples, which may have any number of them."""
        return joins_targets(self.loader)

    def padded_labels(self) -> tuple[Any, PaddedLabels] | None:
        """The first batch, made again in this process, where its labels are filled up to one length."""
        if isinstance(self.loader.dataset, IterableDataset) or self.loader.batch_sampler is None:
            return None
        samples = [self.loader.dataset[each] for each in next(iter(self.loader.batch_sampler), ())]
        batch = self.loader.collate_fn(samples)
        found = padded_labels(samples, split(batch)[1])
        return (batch, found) if found is not None else None

    def mispaired(self, *, is_supervised: bool = False) -> Mispaired | None:
        """Labels that the collate function or the data set gives to other samples."""
        return mispaired(self.loader)


class _Drawn:
    """What was last drawn from a sampler: workers draw a few batches ahead of those that they give."""

    def __init__(self) -> None:
        self._last: deque[Any] = deque(maxlen=1024)
        self._count = 0

    def append(self, item: Any) -> None:
        self._last.append(item)
        self._count += 1

    def at(self, index: int) -> Any | None:
        place = index - self._count + len(self._last)
        return self._last[place] if 0 <= place < len(self._last) else None


class _NotedSampler:
    """A sampler, and what was drawn from it."""

    def __init__(self, sampler: Any, drawn: _Drawn) -> None:
        self._sampler, self._drawn = sampler, drawn

    def __iter__(self) -> Iterator[Any]:
        for item in self._sampler:
            self._drawn.append(item)
            yield item

    def __len__(self) -> int:
        return len(self._sampler)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sampler, name)


def has_fixed_order(loader: DataLoader[Any]) -> bool:
    """Whether the samples come in the same order in every pass, as far as can be told."""
    sampler = sampler_of(loader)
    if isinstance(loader.dataset, IterableDataset) or isinstance(sampler, RandomSampler):
        return False
    return isinstance(sampler, _FIXED_ORDER) or getattr(sampler, "shuffle", True) is False


def _went_through(error: Exception, function: str) -> bool:
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_name == function:
            return True
        trace = trace.tb_next
    return f"in {function}" in str(error)


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def length_of(value: Any) -> int | None:
    """The length of a loader or data set; None where it has none."""
    try:
        length = len(value)
    except Exception:  # a data set may raise whatever it likes where it has no length
        return None
    return length if math.isfinite(length) else None


def ranks_of_loaders(loaders: Sequence[Any]) -> Ranks | None:
    """What each rank reads; None where these are no `DataLoader`s."""
    if not loaders or not all(isinstance(loader, DataLoader) for loader in loaders):
        return None
    if any(isinstance(loader.dataset, IterableDataset) for loader in loaders):
        return ranks_of_streams([DataLoaderReading(_in_process(loader)) for loader in loaders], _DIVIDING)
    with same_random_state(), as_found(*loaders):
        return ranks_of(loaders)


def _in_process(loader: DataLoader[Any]) -> DataLoader[Any]:
    twin = copy.copy(loader)
    vars(twin).update(num_workers=0, prefetch_factor=None, persistent_workers=False, _iterator=None)
    return twin
