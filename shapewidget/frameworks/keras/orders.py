"""In which order a `tf.data.Dataset` gives its elements, and where streams or passes that belong together part."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from shapewidget.frameworks.keras.rearranging import built, is_mended_by_order, is_mended_by_zipping_first
from shapewidget.frameworks.keras.stages import stage_name, stages
from shapewidget.graph.batches import Effect, NestedSets, Redrawn, RowsApart, Skipped

_BATCHES = ("batch", "padded_batch")
_REGROUPING = ("unbatch", "flat_map", "interleave", "window", "group_by_window", "rebatch")
_SAMPLES = ("tensor_slice", "range")
"""Sources that give all samples in one order."""
_DRAWS = re.compile(r"Random(?!Dataset|Seed)|Multinomial")


def shuffled_apart(streams: Sequence[Any], *, is_supervised: bool) -> RowsApart | None:
    """A stream of inputs that is zipped with one of their labels, each shuffled in a way of its own.

    Args:
        streams: What is zipped.
        is_supervised: Whether a loss compares what comes of the one with the other. Where that is not known, a stream
            of labels is told by its one number for each sample.
    """
    is_pair = len(streams) == 2 and (is_supervised or len({_is_labels(stream) for stream in streams}) == 2)
    shuffles = [[stage for stage in stages(stream) if stage_name(stage) == "shuffle"] for stream in streams]
    if not is_pair or _is_one_order(*shuffles):
        return None
    is_mended = False
    with contextlib.suppress(Exception):  # stages that are made in another way, functions that draw at random
        is_mended = is_mended_by_zipping_first(streams)
    return RowsApart("Dataset.zip", is_mended=is_mended)


def _is_one_order(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two streams come in one order: by equal seeds, or by one stage that draws its order only once.

    A stage that draws anew for every iterator draws one order for the one stream and another for the other.
    """
    if len(one) != len(other):
        return False
    pairs = list(zip(one, other, strict=True))
    return all(not _is_shuffled_anew(a) if a is b else _order(a) == _order(b) and any(_order(a)[:2]) for a, b in pairs)


def _order(stage: Any) -> tuple[int, int, int, bool]:
    return int(stage._seed), int(stage._seed2), int(stage._buffer_size), _is_shuffled_anew(stage)


def _is_labels(stream: Any) -> bool:
    """Whether a stream gives one number for each sample."""
    spec = stream.element_spec
    is_batched = any(stage_name(stage) in _BATCHES for stage in stages(stream))
    return isinstance(spec, tf.TensorSpec) and spec.dtype != tf.string and spec.shape.rank == int(is_batched)


def redrawn(chain: Sequence[Any]) -> Iterator[Redrawn]:
    """Stages that stand on the wrong side of one that draws at random.

    Args:
        chain: The stages from the end to the source.
    """
    names = [stage_name(stage) for stage in chain]
    for place, (stage, name) in enumerate(zip(chain, names, strict=True)):
        behind = chain[place + 1 :]
        shuffle = next((each for each in behind if _is_shuffled_anew(each)), None)
        if name == "skip" and shuffle is not None and not _is_kept(behind, shuffle):
            yield _redrawn(chain, stage, shuffle, "split")
        elif name == "shard" and (drawn := next(filter(_is_without_seed, behind), None)) is not None:
            yield _redrawn(chain, stage, drawn, "shared")
        elif name == "cache" and not {"skip", "take"} & set(names[:place]):
            shuffle = shuffle if "shuffle" not in names[:place] else None
            random = next((each for each in behind if stage_name(each) == "map" and _draws(each)), None)
            if shuffle is not None or random is not None:
                yield _redrawn(chain, stage, shuffle if shuffle is not None else random, "kept")
        elif name == "shuffle" and shuffle is None:
            batch = next((each for each in behind if stage_name(each) in (*_BATCHES, *_REGROUPING)), None)
            is_plain = batch is not None and stage_name(batch) in _BATCHES and "unbatch" not in names[:place]
            if is_plain and not set(_REGROUPING) & set(names[place:]) and stage_name(chain[-1]) in _SAMPLES:
                yield _redrawn(chain, stage, batch, "together")


def skipped(chain: Sequence[Any]) -> Skipped | None:
    """A stage that leaves all batches out, because it counts samples and is given batches.

    Args:
        chain: The stages from the end to the source.
    """
    for place, stage in enumerate(chain):
        behind = chain[place + 1 :]
        batch = next((each for each in behind if stage_name(each) in (*_BATCHES, *_REGROUPING)), None)
        if stage_name(stage) != "skip" or batch is None or stage_name(batch) in _REGROUPING:
            continue
        count, batches, samples = (int(each) for each in (stage._count, *map(_length, (behind[0], batch._inputs()[0]))))
        if 0 < batches <= count < samples:
            is_mended = False
            with contextlib.suppress(Exception):  # stages that are made in another way
                rest = [each for each in chain[:-1] if each is not stage]
                until = rest.index(batch) + 1
                moved = built(chain[-1], [*rest[:until], stage, *rest[until:]])
                is_mended = _length(moved.unbatch()) in (samples - count, -2) and bool(list(moved.take(1)))
            return Skipped(_text(stage), _text(batch), count, batches, samples, is_mended)
    return None


def nested_sets(chain: Sequence[Any]) -> NestedSets | None:
    """Windows that were never made arrays of.

    Args:
        chain: The stages from the end to the source.
    """
    parts = tf.nest.flatten(chain[0].element_spec)
    window = next((each for each in chain if stage_name(each) == "window"), None)
    if window is None or not any(isinstance(part, tf.data.DatasetSpec) for part in parts):
        return None
    size, is_pair = int(window._size), isinstance(window.element_spec, tuple)
    names = ("x", "y")[: len(parts)] if is_pair else ("window",)
    each = ", ".join(f"{name}.batch({size})" for name in names)
    fix = f".flat_map(lambda {', '.join(names)}: {f'tf.data.Dataset.zip(({each}))' if is_pair else each})"
    shape = None
    with contextlib.suppress(Exception):  # windows of another structure

        def joined(*windows: Any) -> Any:
            made = tuple(window.batch(size) for window in windows)
            return tf.data.Dataset.zip(made) if is_pair else made[0]

        first = tf.nest.flatten(next(iter(window.flat_map(joined))))
        shape = tuple(first[0].shape) if len(names) == len(first) else None
    return NestedSets(_text(window), fix, shape)


def _length(dataset: Any) -> int:
    return int(dataset.cardinality())


def _redrawn(chain: Sequence[Any], stage: Any, before: Any, effect: Effect) -> Redrawn:
    is_mended = False
    with contextlib.suppress(Exception):  # stages that are made in another way, functions that draw at random
        is_mended = is_mended_by_order(stage, before, effect, chain)
    return Redrawn(_text(stage), _text(before), effect, is_mended)


def _text(stage: Any) -> str:
    """The call that makes a stage: "batch(8)"."""
    name = stage_name(stage)
    if name == "map":
        return f"map({getattr(stage._map_func._func, '__name__', 'function')})"
    if name == "cache":
        return "cache()"
    if name == "shard":
        return f"shard({int(stage._num_shards)}, {int(stage._index)})"
    size = {"shuffle": "_buffer_size", "skip": "_count", "window": "_size"}.get(name, "_batch_size")
    return f"{name}({int(getattr(stage, size))})"


def _is_shuffled_anew(stage: Any) -> bool:
    return stage_name(stage) == "shuffle" and getattr(stage, "_reshuffle_each_iteration", True) is not False


def _is_without_seed(stage: Any) -> bool:
    """Whether a stage shuffles in an order that every process draws for itself."""
    return stage_name(stage) == "shuffle" and not any(_order(stage)[:2])


def _is_kept(behind: Sequence[Any], shuffle: Any) -> bool:
    """Whether the order is kept between the shuffling and a later stage."""
    return any(stage_name(each) == "cache" for each in behind[: behind.index(shuffle)])


def _draws(stage: Any) -> bool:
    """Whether a function of a pipeline draws random numbers."""
    graph = stage._map_func.function.graph
    inner = [each.graph for each in graph._functions.values() if hasattr(each, "graph")] if graph._functions else []
    return any(_DRAWS.search(operation.type) for each in (graph, *inner) for operation in each.get_operations())
