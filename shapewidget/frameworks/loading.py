"""Go through a loader of any kind without using it up: what every framework's loaders have in common."""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import FunctionType, GeneratorType, ModuleType, TracebackType
from typing import Any

from shapewidget.errors import InputError
from shapewidget.frameworks.as_found import as_found
from shapewidget.frameworks.cut_slices import Batch
from shapewidget.frameworks.held_arrays import HeldArrays
from shapewidget.frameworks.nesting import is_array, named_arrays, numeric, size_of, split
from shapewidget.frameworks.pairing import rows_of
from shapewidget.frameworks.source import resolve
from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.mending import methods
from shapewidget.frameworks.unstarted import again, called, function_of
from shapewidget.graph.batches import (
    EmptyRows,
    Failure,
    InnerPass,
    LoaderSettings,
    Mispaired,
    NestedSets,
    Ranks,
    Redrawn,
    SharedStatistics,
    Skipped,
    WorkerShare,
)
from shapewidget.graph.padding import PaddedLabels
from shapewidget.graph.records import SourceLine

Remade = Callable[[FunctionType], Any]
"""Gives a copy of a loader in which a function stands in the place of one of its own."""


class Reading:
    """A way through a loader: a list of batches, a generator, an object with ``__iter__`` or ``__getitem__``.

    Args:
        loader: Left as found.
        guard: Puts back the framework's own random state.

    Raises:
        InputError: It cannot be gone through, or only once.
    """

    def __init__(self, loader: Any, guard: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext) -> None:
        """Look at the loader; nothing is read yet."""
        self.loader, self._guard = loader, guard
        self.mended: Any | None = None  # the batch that failed, as a fix makes it
        self.notes: tuple[str, ...] = ()
        _check_readable(loader)
        self._held = _held_arrays(loader)
        rows, batches = _rows_held(loader), _length(loader)
        self.settings = LoaderSettings(
            _title(loader), rows=rows, batches=batches, batch_size=_batch_size_held(loader, rows, batches)
        )

    @contextlib.contextmanager
    def untouched(self) -> Iterator[None]:
        """Leave the loader, and every random number generator, as found."""
        with self._guard(), as_found(self.loader), self._held.unchanged() if self._held else contextlib.nullcontext():
            yield

    def batches(self) -> Iterator[Any]:
        """One pass; to be gone through inside `untouched`."""
        if isinstance(self.loader, GeneratorType):
            return again(self.loader)
        if _has_items(self.loader):
            return (self.loader[place] for place in range(len(self.loader)))
        return iter(self.loader)

    def makers(self) -> Iterator[tuple[FunctionType, Remade]]:
        """The functions of the user's that make the batches, each with what gives a loader that has another instead."""
        if isinstance(self.loader, GeneratorType):
            function, values = function_of(self.loader)
            yield function, lambda made: called(made, values)
        elif not isinstance(self.loader, list | tuple):
            yield from methods_of(self.loader)

    def inner_passes(self) -> tuple[InnerPass, ...]:
        """The loaders that this one read in its last pass."""
        return ()

    def is_whole_when_repeated(self, limit: int) -> bool:
        """Whether a pass reads all of the longest inner loader once the shorter ones are repeated.

        Args:
            limit: How many batches of it may be read to find out.
        """
        return False

    def part_drawn(self) -> int | None:
        """How many samples from the first on a sampler draws, where the others are classes of their own."""
        return None

    def is_whole_when_weighed(self) -> bool:
        """Whether a sampler that weighs classes draws from all of the data once it weighs samples."""
        return False

    def failure(self, index: int, error: Exception) -> Failure:
        """What went wrong at a batch."""
        step = "__getitem__" if _has_items(self.loader) else "__iter__"
        return Failure(index, step, error_text(error), source=raised_at(error))

    def remainder(self) -> Any | None:
        """The last batch that is not full, also where it is left out; None where it is not known."""
        return None

    def ranks(self, count: int | None) -> Ranks | None:
        """What each rank reads; None where nothing is split over ranks.

        Raises:
            InputError: Ranks were asked for, and the loader has no sampler that could divide.
        """
        if count is None:
            return None
        raise InputError(
            f"ranks={count} asks how a sampler splits the data, and a {self.settings.title} has none. Expected a "
            f"DataLoader, or a list with one loader for each rank."
        )

    def shared_statistics(self) -> SharedStatistics | None:
        """The step behind the batching that reads all samples of a batch for each of them; None where none does."""
        return None

    def worker_share(self) -> WorkerShare | None:
        """What its workers read together; None where they cannot read the same."""
        return None

    def rounded_off(self) -> Any | None:
        """A batch behind the last one, of the samples that a length rounded down leaves out of every pass.

        None where there is none, or where the order changes at the end of an epoch.
        """
        rows, size, count = self.settings.rows, self.settings.batch_size, self.settings.batches
        has_items = hasattr(type(self.loader), "__getitem__") and not isinstance(self.loader, list | tuple)
        if not has_items or not rows or not size or not count or count != rows // size or not rows % size:
            return None
        rest = self.loader[count]
        before = rows_of(split(self.loader[0])[0])
        if callable(getattr(self.loader, "on_epoch_end", None)):
            self.loader.on_epoch_end()
        is_fixed = before is not None and before == rows_of(split(self.loader[0])[0])
        return rest if is_fixed and size_of(rest) == rows % size else None

    def joins_targets(self) -> bool:
        """Whether the targets of a batch are the rows of all its samples, which may have any number of them."""
        return False

    def padded_labels(self) -> tuple[Any, PaddedLabels] | None:
        """A batch whose labels are filled up to one length, and which of them only do that; None without one."""
        return None

    def mispaired(self, *, is_supervised: bool = False) -> Mispaired | None:
        """Labels that it gives to other samples than their own; None where it gives each its own.

        Args:
            is_supervised: Whether a loss compares what comes of the first part of a batch with the second.
        """
        if self._held is None:
            return None
        found: Mispaired | None = self._held.given_apart(self._pairs, self.settings.title)
        if found is None and callable(getattr(self.loader, "on_epoch_end", None)):
            self.loader.on_epoch_end()
            found = self._held.moved_apart(vars(self.loader), "on_epoch_end")
        return found or self._held.cut_apart(self._batch_rows, self.settings.title)

    def redrawn(self) -> tuple[Redrawn, ...]:
        """Stages that stand on the wrong side of one that draws at random."""
        return ()

    def in_one_element(self) -> int | None:
        """How many samples lie in the only element that is batched; None where there are several, or one sample."""
        return None

    def nested_sets(self) -> NestedSets | None:
        """Elements that are data sets themselves; None where they are arrays."""
        return None

    def skipped(self) -> Skipped | None:
        """A stage that counts samples, is given batches, and leaves none of them; None where there is none."""
        return None

    def _pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Input and label of every sample of a pass."""
        for batch in self.batches():
            inputs, targets = split(batch)
            yield from zip(rows_of(inputs) or (), rows_of(targets) or (), strict=True)

    def _batch_rows(self) -> Iterator[Batch]:
        """Inputs and labels of every batch of a pass, row by row."""
        for batch in self.batches():
            inputs, targets = split(batch)
            yield rows_of(inputs) or [], rows_of(targets) or []


def methods_of(owner: Any) -> Iterator[tuple[FunctionType, Remade]]:
    """The methods of an object that are the user's, each with what gives a copy that has another."""
    for name, method in methods(type(owner)):
        if name != "__init__":
            yield method, functools.partial(_with_method, owner, name)


def _with_method(owner: Any, name: str, method: FunctionType) -> Any:
    twin = copy.copy(owner)
    twin.__class__ = type(type(owner).__name__, (type(owner),), {name: method})
    return twin


def error_text(error: Exception) -> str:
    """Type and first line of an error; of one that a worker process sent, its last line."""
    lines = str(error).strip().splitlines() or [""]
    text = lines[-1] if lines[0].startswith("Caught ") and len(lines) > 1 else lines[0]
    name = type(error).__name__
    return text if text.startswith(name) else f"{name}: {text}"


def raised_at(error: Exception) -> SourceLine | None:
    """The innermost line of the user's own code that an error went through."""
    found, trace = None, error.__traceback__
    while isinstance(trace, TracebackType):
        if is_own(trace.tb_frame.f_code.co_filename):
            found = resolve((trace.tb_frame.f_code, trace.tb_lasti))
        trace = trace.tb_next
    return found


def empty_rows(index: int, batch: Any, others: Sequence[Any]) -> EmptyRows | None:
    """Rows at the end of a batch that are zero in every array of it, where no row of the other batches is.

    A batch that says which rows count, by a mask or a weight for each sample, is right.
    """
    arrays = [numeric(array) for _, array in named_arrays(batch) if len(array.shape)]
    sizes = {int(array.shape[0]) for array in arrays}
    if len(sizes) != 1 or len(arrays) < 2 or not others:
        return None
    size = sizes.pop()
    filled = max((_filled(array) for array in arrays), default=size)
    if not 0 < filled < size or len(batch) > 2 or any(_has_zero_row(other) for other in others):
        return None
    return EmptyRows(index, size, filled)


def _has_zero_row(batch: Any) -> bool:
    arrays = [numeric(array) for _, array in named_arrays(batch) if len(array.shape)]
    return bool(arrays) and any(all(not _any(array[row]) for array in arrays) for row in range(int(arrays[0].shape[0])))


def _filled(array: Any) -> int:
    """How many rows stand before the zeros at the end."""
    size = int(array.shape[0])
    while size and not _any(array[size - 1]):
        size -= 1
    return size


def _any(row: Any) -> bool:
    return bool((row != 0).any()) if hasattr(row != 0, "any") else bool(row)


def _check_readable(loader: Any) -> None:
    can_be_read = hasattr(loader, "__iter__") or _has_items(loader)
    if not can_be_read or is_array(loader) or isinstance(loader, str | bytes | Mapping):
        raise InputError(
            f"A {type(loader).__name__} is no loader. Expected what gives batches: a DataLoader, a list of batches, a "
            f"generator, or an object with __len__ and __getitem__."
        )
    if not isinstance(loader, GeneratorType) and isinstance(loader, Iterator):
        raise InputError(
            f"The loader is a {type(loader).__name__}, which can be gone through only once: its batches would be gone. "
            f"Expected what can be gone through again, such as a DataLoader or a list of batches."
        )


def _held_arrays(loader: Any) -> HeldArrays | None:
    """The arrays that an object, or a generator with what it reads, cuts its batches from."""
    if isinstance(loader, list | tuple):
        return None
    if not isinstance(loader, GeneratorType):
        return HeldArrays(vars(loader)) if hasattr(loader, "__dict__") else None
    function, values = function_of(loader)
    read = {name: function.__globals__.get(name) for name in function.__code__.co_names}
    return HeldArrays({**{name: value for name, value in read.items() if not isinstance(value, ModuleType)}, **values})


def _has_items(loader: Any) -> bool:
    """Whether batches are asked for by their number, as of Keras' PyDataset."""
    kind = type(loader)
    return hasattr(kind, "__getitem__") and hasattr(kind, "__len__") and not hasattr(kind, "__iter__")


def _title(loader: Any) -> str:
    return loader.__name__ if isinstance(loader, GeneratorType) else type(loader).__name__


def _length(loader: Any) -> int | None:
    try:
        return len(loader)
    except Exception:  # a data set may raise whatever it likes where it has no length
        return None


def _rows_held(loader: Any) -> int | None:
    """Number of samples that an object with batches holds, where two of its arrays, or of its lists, have as many."""
    if isinstance(loader, list | tuple | GeneratorType) or not hasattr(loader, "__dict__"):
        return None
    held = list(vars(loader).values())
    arrays = [int(each.shape[0]) for each in held if is_array(each) and len(each.shape) and each.shape[0] is not None]
    return _common(arrays) or _common(
        [*arrays, *(len(each) for each in held if isinstance(each, list | tuple | dict) and len(each) > 1)]
    )


def _common(lengths: Sequence[int]) -> int | None:
    """The one length that occurs more than once."""
    common = {length for length in lengths if lengths.count(length) > 1}
    return common.pop() if len(common) == 1 else None


def _batch_size_held(loader: Any, rows: int | None, batches: int | None) -> int | None:
    """The one number that an object holds and that divides its rows into as many batches as it says it has."""
    if not rows or not batches:
        return None
    numbers = {value for value in vars(loader).values() if type(value) is int and value > 0}
    sizes = {number for number in numbers if batches in (rows // number, -(-rows // number))}
    return sizes.pop() if len(sizes) == 1 else None
