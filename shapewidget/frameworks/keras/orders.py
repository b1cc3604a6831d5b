"""In which order a `tf.data.Dataset` gives its elements, and where streams or passes that belong together part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from shapewidget.graph.batches import Redrawn, RowsApart

_BATCHES = ("batch", "padded_batch")
_REGROUPING = ("unbatch", "flat_map", "interleave", "window", "group_by_window", "rebatch")
_SAMPLES = ("tensor_slice", "range")
"""Sources that give all samples in one order."""
_DRAWS = re.compile(r"Random(?!Dataset|Seed)|Multinomial")


def stage_name(dataset: Any) -> str:
    """The method that makes a stage: "padded_batch" for a `_PaddedBatchDataset`."""
    name = type(dataset).__name__.strip("_").removeprefix("Parallel").removesuffix("Dataset").removesuffix("V2")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def stages(dataset: Any) -> list[Any]:
    """The chain of a dataset from its end to its source; it ends where several streams are joined."""
    chain = [dataset]
    while len(inputs := chain[-1]._inputs()) == 1:
        chain.append(inputs[0])
    return chain


def shuffled_apart(streams: Sequence[Any], *, is_supervised: bool) -> RowsApart | None:
    """A stream of inputs that is zipped with one of their labels, each shuffled in a way of its own.

    Args:
        streams: What is zipped.
        is_supervised: Whether a loss compares what comes of the one with the other. Where that is not known, a stream
            of labels is told by its one number for each sample.
    """
    is_pair = len(streams) == 2 and (is_supervised or len({_is_labels(stream) for stream in streams}) == 2)
    orders = [[_order(stage) for stage in stages(stream) if stage_name(stage) == "shuffle"] for stream in streams]
    is_one_order = is_pair and orders[0] == orders[1] and all(any(seeds) for *seeds, _, _ in orders[0])
    return RowsApart("Dataset.zip") if is_pair and not is_one_order else None


def _order(stage: Any) -> tuple[int, int, int, bool]:
    again = getattr(stage, "_reshuffle_each_iteration", True) is not False
    return int(stage._seed), int(stage._seed2), int(stage._buffer_size), again


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
            yield Redrawn(f"skip({int(stage._count)})", _text(shuffle), "split")
        elif name == "cache" and not {"skip", "take"} & set(names[:place]):
            shuffle = shuffle if "shuffle" not in names[:place] else None
            random = next((each for each in behind if stage_name(each) == "map" and _draws(each)), None)
            if shuffle is not None or random is not None:
                yield Redrawn("cache()", _text(shuffle if shuffle is not None else random), "kept")
        elif name == "shuffle" and shuffle is None:
            batch = next((each for each in behind if stage_name(each) in (*_BATCHES, *_REGROUPING)), None)
            is_plain = batch is not None and stage_name(batch) in _BATCHES and "unbatch" not in names[:place]
            if is_plain and not set(_REGROUPING) & set(names[place:]) and stage_name(chain[-1]) in _SAMPLES:
                yield Redrawn(_text(stage), _text(batch), "together")


def _text(stage: Any) -> str:
    """The call that makes a stage: "batch(8)"."""
    name = stage_name(stage)
    if name == "map":
        return f"map({getattr(stage._map_func._func, '__name__', 'function')})"
    return f"{name}({int(stage._buffer_size if name == 'shuffle' else stage._batch_size)})"


def _is_shuffled_anew(stage: Any) -> bool:
    return stage_name(stage) == "shuffle" and getattr(stage, "_reshuffle_each_iteration", True) is not False


def _is_kept(behind: Sequence[Any], shuffle: Any) -> bool:
    """Whether the order is kept between the shuffling and a later stage."""
    return any(stage_name(each) == "cache" for each in behind[: behind.index(shuffle)])


def _draws(stage: Any) -> bool:
    """Whether a function of a pipeline draws random numbers."""
    graph = stage._map_func.function.graph
    inner = [each.graph for each in graph._functions.values() if hasattr(each, "graph")] if graph._functions else []
    return any(_DRAWS.search(operation.type) for each in (graph, *inner) for operation in each.get_operations())
