"""Batches that a `tf.data.Dataset` could not make, as a changed chain of stages makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def mended_by_padding(source: Any, samples: Sequence[Any], size: int, index: int) -> tuple[str, Any]:
    """The batch with everything padded that is a sequence, as `padded_batch` makes it.

    Args:
        source: The stage that gives the samples.
        samples: Those of the batch.
        size: How many a batch takes.
        index: Which batch.

    Raises:
        ValueError: The samples are no sequences.
    """
    ranks = {len(array.shape) for array in _unequal(samples)}
    if not ranks <= {1, 2}:
        raise ValueError("only sequences are padded")
    batch = next(iter(source.skip(index * size).take(size).padded_batch(size)))
    return f"padded_batch({size}) in place of batch({size})", batch


def mended_by_resizing(source: Any, samples: Sequence[Any], size: int, index: int) -> tuple[str, Any]:
    """The batch with every image of one size, that of the first.

    Raises:
        ValueError: What differs is no image.
    """
    images = _unequal(samples)
    if not images or any(len(image.shape) != 3 or image.shape[-1] not in (1, 3, 4) for image in images):
        raise ValueError("only images are resized")
    sides = tuple(map(int, images[0].shape[:2]))
    shape = images[0].shape

    def one_size(array: Any) -> Any:
        is_image = len(array.shape) == 3 and array.shape[-1] == shape[-1]
        return tf.cast(tf.image.resize(array, sides), array.dtype) if is_image else array

    resized = [tf.nest.map_structure(one_size, sample) for sample in samples]
    batch = tf.nest.map_structure(lambda *arrays: tf.stack(arrays), *resized)
    return f"tf.image.resize(image, {sides}) in map, before batch({size})", batch


def _unequal(samples: Sequence[Any]) -> list[Any]:
    """The arrays of the first sample whose shape another sample has otherwise."""
    columns = zip(*(tf.nest.flatten(sample) for sample in samples), strict=True)
    return [column[0] for column in columns if len({tuple(array.shape) for array in column}) > 1]


def zipped_before_batching(streams: Sequence[tuple[Any, int]]) -> Any | None:
    """The first batch of streams that are zipped first and batched then; None where they were batched alike.

    Args:
        streams: The batching stage of every stream, and its batch size.
    """
    if len({size for _, size in streams}) < 2:
        return None
    joined = tf.data.Dataset.zip(tuple(stage._inputs()[0] for stage, _ in streams))
    return next(iter(joined.batch(streams[0][1])))
