"""A `tf.data.Dataset` made again with its stages in another order, and read to see that the order mends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from shapewidget.frameworks.keras.stages import stage_name, stages
from shapewidget.graph.batches import Effect

_MOST = 1_000
"""How many elements are read to compare passes."""

_MAKERS: dict[str, Callable[[Any, Any], Any]] = {
    "map": lambda data, stage: data.map(stage._map_func._func),
    "filter": lambda data, stage: data.filter(stage._predicate._func),
    "batch": lambda data, stage: data.batch(stage._batch_size, drop_remainder=stage._drop_remainder),
    "padded_batch": lambda data, stage: data.padded_batch(
        stage._batch_size, stage._padded_shapes, stage._padding_values, stage._drop_remainder
    ),
    "shuffle": lambda data, stage: data.shuffle(
        stage._buffer_size, reshuffle_each_iteration=stage._reshuffle_each_iteration
    ),
    "skip": lambda data, stage: data.skip(stage._count),
    "take": lambda data, stage: data.take(stage._count),
    "repeat": lambda data, stage: data.repeat(stage._count),
    "shard": lambda data, stage: data.shard(stage._num_shards, stage._index),
    "cache": lambda data, _: data.cache(),
}
_PASSED_OVER = ("prefetch", "options", "assert_cardinality")


def built(source: Any, chain: Sequence[Any]) -> Any:
    """The stages of a chain once more on a source.

    Args:
        source: What the first of them reads.
        chain: From the end to the source.

    Raises:
        KeyError: One is of a kind that is not made again.
    """
    for stage in reversed(chain):
        name = stage_name(stage)
        source = source if name in _PASSED_OVER else _MAKERS[name](source, stage)
    return source


def is_mended_by_order(stage: Any, before: Any, effect: Effect, chain: Sequence[Any]) -> bool:
    """Whether a data set does as it is meant once a stage comes before another one that it reads now.

    Args:
        stage: The stage to be moved.
        before: Where it is moved to.
        effect: What its place does to the passes.
        chain: The stages from the end to the source.
    """
    rest = [each for each in chain[:-1] if each is not stage]
    place = rest.index(before) + 1
    moved = built(chain[-1], [*rest[:place], stage, *rest[place:]])
    now, first, second = _read(chain[0]), _read(moved), _read(moved)
    if len(first) != len(now) or len(second) != len(now):
        return False
    if effect in ("split", "shared"):
        return Counter(_rows(first)) == Counter(_rows(second))
    if effect == "kept":
        return first != second
    is_all = Counter(_rows(now)) == Counter(_rows(first)) == Counter(_rows(second))
    return is_all and {frozenset(each) for each in first} != {frozenset(each) for each in second}


def is_mended_by_zipping_first(streams: Sequence[Any]) -> bool:
    """Whether streams that are zipped first and shuffled then give pairs that do not change from pass to pass."""
    still = []
    for stream in streams:
        chain = stages(stream)
        if any("batch" in stage_name(each) for each in chain):
            return False  # whole batches would be shuffled
        still.append(built(chain[-1], [each for each in chain[:-1] if stage_name(each) != "shuffle"]))
        if Counter(_rows(_read(still[-1]))) != Counter(_rows(_read(stream))):
            return False
    joined = tf.data.Dataset.zip(tuple(still)).shuffle(_MOST)
    first, second = (_read(joined, is_whole=True) for _ in range(2))
    return first != second and Counter(_rows(first)) == Counter(_rows(second))


Element = tuple[bytes, ...]
"""A key for each of its rows."""


def _read(data: Any, *, is_whole: bool = False) -> list[Element]:
    """The elements of a pass; with `is_whole` each is one row."""
    return [_element(each, is_whole) for each in islice(iter(data), _MOST)]


def _element(value: Any, is_whole: bool) -> Element:
    arrays = [np.asarray(each) for each in tf.nest.flatten(value)]
    sizes = {len(array) if array.ndim else 0 for array in arrays}
    if is_whole or len(sizes) != 1 or sizes == {0}:
        return (b"".join(array.tobytes() for array in arrays),)
    return tuple(b"".join(array[row].tobytes() for array in arrays) for row in range(sizes.pop()))


def _rows(elements: Iterable[Element]) -> list[bytes]:
    return [row for element in elements for row in element]
