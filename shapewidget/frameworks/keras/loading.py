"""Go through a `tf.data.Dataset`, and say which of its stages a batch could not be made in.

A dataset is a chain of stages: the last one is what a program holds, and each knows the one that it reads.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import tensorflow as tf

from shapewidget.frameworks.keras.batched_first import shared_statistics
from shapewidget.frameworks.keras.mending import mended_by_padding, mended_by_resizing, zipped_before_batching
from shapewidget.frameworks.keras.orders import nested_sets, redrawn, shuffled_apart, skipped
from shapewidget.frameworks.keras.rearranging import built
from shapewidget.frameworks.keras.signatures import kept_signature
from shapewidget.frameworks.keras.stages import stage_name, stages
from shapewidget.frameworks.label_padding import padded_labels
from shapewidget.frameworks.loading import Reading, error_text, raised_at
from shapewidget.frameworks.nesting import disagreement
from shapewidget.graph.batches import (
    Disagreement,
    Failure,
    InnerPass,
    LoaderSettings,
    NestedSets,
    Redrawn,
    RowsApart,
    SharedStatistics,
    Skipped,
)
from shapewidget.graph.padding import PaddedLabels

_BATCHES = ("batch", "padded_batch")
_KEEP_LENGTH = ("prefetch", "map", "options", "cache", "shuffle", "assert_cardinality")
_SECONDS = 5.0
"""How long the stage that fails is searched for."""


def batching(dataset: Any) -> Any | None:
    """The stage that makes the batches; None where the elements are none, or are made elsewhere."""
    for stage in stages(dataset):
        if stage_name(stage) in _BATCHES:
            return stage
        if stage_name(stage) in ("unbatch", "flat_map", "interleave", "window", "group_by_window", "rebatch"):
            return None
    return None


def _method(stage: Any) -> str:
    """What the program called to make the stage: a generator is read through a `flat_map`."""
    name = stage_name(stage)
    is_generator = name == "flat_map" and stage._map_func._func.__module__.endswith("from_generator_op")
    return "from_generator" if is_generator else name


def length_of(dataset: Any) -> int | None:
    """How many elements a dataset has; None where it does not say, or has no end."""
    count = int(dataset.cardinality())
    return count if count >= 0 else None


def is_shuffled(dataset: Any) -> bool:
    """Whether one of its stages shuffles."""
    return any(stage_name(stage) == "shuffle" for stage in stages(dataset))


class DatasetReading(Reading):
    """A `tf.data.Dataset`. Its seeds move on with every pass; that cannot be undone, and is told."""

    def __init__(self, dataset: Any) -> None:
        """Look at the dataset; nothing is read yet."""
        super().__init__(dataset)
        chain, batch = stages(dataset), batching(dataset)
        self._batch = batch
        self._size = int(batch._batch_size) if batch is not None else None
        self._after = chain[: chain.index(batch)] if batch is not None else []
        keeps = all(stage_name(stage) in _KEEP_LENGTH for stage in self._after)
        shuffles = [stage for stage in chain if stage_name(stage) == "shuffle"]
        self.settings = LoaderSettings(
            "Dataset",
            samples=length_of(self._source()) if batch is not None and keeps else None,
            batches=length_of(dataset),
            batch_size=self._size,
            drop_last=keeps and bool(getattr(batch, "_drop_remainder", False)),
            shuffles=bool(shuffles) if len(chain[-1]._inputs()) == 0 else None,
            collate=f"Dataset.{stage_name(batch)}" if batch is not None else "",
            zipped=tuple(size for _, size in self._zipped()),
            dropping="drop_remainder",
            repeating="tf.data.Dataset.zip((shorter.repeat(), longer))",
        )
        if self._has_own_seeds(shuffles):
            self.notes = (
                "The order of Dataset.shuffle moves on with every pass, also with this one: the next epoch has "
                "another order than without the check.",
            )
        with contextlib.suppress(Exception):  # streams that cannot be joined otherwise are told all the same
            self.mended = zipped_before_batching(self._zipped()) if self.settings.zipped else None

    def _source(self) -> Any:
        assert self._batch is not None
        return self._batch._inputs()[0]

    @staticmethod
    def _has_own_seeds(shuffles: Sequence[Any]) -> bool:
        return any(getattr(stage, "_reshuffle_each_iteration", True) is not False for stage in shuffles)

    # -- streams that are joined ------------------------------------------------------------------------------------

    def _join(self) -> Any | None:
        """The stage that reads several streams side by side."""
        last = stages(self.loader)[-1]
        return last if stage_name(last) == "zip" else None

    def _zipped(self) -> list[tuple[Any, int]]:
        """The batching stage and batch size of every stream, where streams are zipped that were batched before."""
        join = self._join()
        if join is None or self._batch is not None:
            return []
        found = [stage for stream in join._inputs() if (stage := batching(stream)) is not None]
        return [(stage, int(stage._batch_size)) for stage in found] if len(found) == len(join._inputs()) else []

    def inner_passes(self) -> tuple[InnerPass, ...]:
        """How far each of the streams that are zipped is read."""
        join = self._join()
        if join is None:
            return ()
        streams = join._inputs()
        lengths = [length_of(stream) for stream in streams]
        sized = [length for length in lengths if length is not None]
        is_shifted = any(stage_name(stage) == "skip" for stream in streams for stage in stages(stream))
        if len(sized) < 2 or is_shifted:
            return ()
        unit = "batches" if self._batch is None and self._zipped() else "elements"
        return tuple(
            InnerPass(f"stream {place}", length, min(sized), is_shuffled(stream), unit)
            for place, (stream, length) in enumerate(zip(streams, lengths, strict=True), 1)
            if length is not None
        )

    def is_whole_when_repeated(self, limit: int) -> bool:
        """Whether the streams, the shorter ones repeated, give as many elements as the longest."""
        join = self._join()
        lengths = [length_of(stream) for stream in join._inputs()] if join is not None else []
        longest = max((length for length in lengths if length is not None), default=0)
        if join is None or not longest:
            return False
        streams = zip(join._inputs(), lengths, strict=True)
        repeated = tf.data.Dataset.zip(tuple(s.repeat() if length != longest else s for s, length in streams))
        return length_of(repeated) == longest

    # -- what failed ------------------------------------------------------------------------------------------------

    def failure(self, index: int, error: Exception) -> Failure:
        """Which stage could not make the batch, of which element."""
        stage, place = self._failing_stage(index)
        step = f"Dataset.{_method(stage)}"
        text = re.sub(r"\{\{.*?\}\} ?| ?\[Op:\w+\].*", "", error_text(error)).rstrip(".")
        if self._batch is None or stage is not self._batch:
            is_sample = self._batch is not None and stage not in self._after
            with contextlib.suppress(Exception):  # the generator may raise by itself
                kept = kept_signature(stage, place, self._size or 1) if _method(stage) == "from_generator" else None
                if kept is not None:
                    self.mended = kept.batch
                    return Failure(index, step, text, place, kept.disagreement, kept.fix, raised_at(error))
            return Failure(index, step, text, place if is_sample else None, source=raised_at(error))
        samples, indices = self._samples(place)
        found = disagreement(samples, indices)
        fix, padded = "", getattr(stage, "_padded_shapes", None)
        if padded is not None:
            found = _beyond(samples, indices, padded)
            return Failure(index, step, text, disagreement=found, fix=f"padded_batch({self._size})" if found else "")
        for mend in (mended_by_padding, mended_by_resizing) if found is not None else ():
            with contextlib.suppress(Exception):
                fix, self.mended = mend(self._source(), samples, self._size or 1, place)
                break
        return Failure(index, step, text, disagreement=found, fix=fix)

    def _failing_stage(self, index: int) -> tuple[Any, int]:
        """The first stage from the source on that raises, and after how many of its elements."""
        chain = stages(self.loader)
        ends = time.monotonic() + _SECONDS
        for stage in reversed(chain):
            is_before = self._batch is not None and stage is not self._batch and stage not in self._after
            most = (index + 1) * (self._size or 1) if is_before else index + 1
            count = 0
            try:
                for _ in islice(stage, most):
                    count += 1
                    if time.monotonic() > ends:
                        break
            except Exception:
                return stage, count
        return self.loader, index

    def _samples(self, index: int) -> tuple[list[Any], list[int]]:
        size = self._size or 1
        first = index * size
        samples = list(self._source().skip(first).take(size))
        return samples, list(range(first, first + len(samples)))

    def shared_statistics(self) -> SharedStatistics | None:
        """The function behind the batching that makes every sample depend on the others of its batch."""
        maps = [stage for stage in reversed(self._after) if stage_name(stage) == "map"]
        stage = f"{stage_name(self._batch)}({self._size})" if self._batch is not None else ""
        return shared_statistics(maps, stage)

    def mispaired(self, *, is_supervised: bool = False) -> RowsApart | None:
        """Labels that are shuffled otherwise than the inputs that they are zipped with."""
        join = self._join()
        return shuffled_apart(join._inputs(), is_supervised=is_supervised) if join is not None else None

    def padded_labels(self) -> tuple[Any, PaddedLabels] | None:
        """The first batch, made again of samples that are kept, where its labels are filled up to one length."""
        if self._batch is None or stage_name(self._batch) != "padded_batch":
            return None
        kept = self._source().take(self._size or 1).cache()
        samples = list(kept)
        batch = next(iter(built(kept, [*self._after, self._batch])))
        is_pair = isinstance(batch, tuple) and len(batch) == 2  # a third part weighs the labels
        found = padded_labels(samples, batch[1]) if is_pair else None
        return (batch, found) if found is not None else None

    def redrawn(self) -> tuple[Redrawn, ...]:
        """Stages that stand on the wrong side of one that draws at random."""
        return tuple(redrawn(stages(self.loader)))

    def skipped(self) -> Skipped | None:
        """A stage behind the batching that leaves all batches out."""
        return skipped(stages(self.loader))

    def in_one_element(self) -> int | None:
        """How many samples `from_tensors` made one element of, where a batch is to have several elements."""
        if self._batch is None or (self._size or 1) < 2 or stage_name(stages(self.loader)[-1]) != "tensor":
            return None
        source = self._source()
        if length_of(source) != 1 or len(inputs := tf.nest.flatten(source.element_spec)) < 2:
            return None
        first, *others = {each.shape[0] if each.shape.rank else None for each in inputs}
        return int(first) if first and first > 1 and not others else None

    def nested_sets(self) -> NestedSets | None:
        """Windows that were never made arrays of."""
        return nested_sets(stages(self.loader))

    def batches(self) -> Iterator[Any]:
        """One pass."""
        return iter(self.loader)


def _beyond(samples: Sequence[Any], indices: Sequence[int], padded: Any) -> Disagreement | None:
    """The first sample that is longer than what it is to be padded to."""
    wanted = [tuple(tf.TensorShape(shape).as_list()) for shape in tf.nest.flatten(padded)]
    for sample, place in zip(samples, indices, strict=True):
        for field, (array, shape) in enumerate(zip(tf.nest.flatten(sample), wanted, strict=True)):
            for axis, (size, most) in enumerate(zip(array.shape, shape, strict=True)):
                if most is not None and size > most:
                    shown = (str(tuple(array.shape)), f"at most {shape}")
                    name = f"[{field}]" if len(wanted) > 1 else ""
                    return Disagreement(name, (place, place), axis, shown, most, int(size))
    return None
