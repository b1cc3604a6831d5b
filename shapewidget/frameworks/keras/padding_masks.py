"""The mask of padding that an embedding makes, found again where a layer of the same model has lost it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from keras import layers, ops


def padding_of(tensor: Any, embedding: Any, window: int) -> Any:
    """Which steps of a symbolic tensor are no padding, by the ids that an embedding was given on the way to it.

    Args:
        tensor: Of a model that is described by its layers.
        embedding: The layer that looks the ids up.
        window: How many ids are one step of the tensor.

    Raises:
        LookupError: The tensor was not made of what the embedding gives.
    """
    ids = next(_given(tensor, embedding, set()), None)
    if ids is None:
        raise LookupError(f"{embedding.name} is not among what the tensor was made of")
    mask = ops.not_equal(ids, 0)
    if window > 1:
        mask = layers.Reshape((-1, window), name=f"windows_of_{embedding.name}")(mask)
    return ops.any(mask, axis=tuple(range(2, len(mask.shape)))) if len(mask.shape) > 2 else mask


def _given(tensor: Any, layer: Any, seen: set[int]) -> Iterator[Any]:
    """What a layer was called with, where it is among what a tensor was made of."""
    history = getattr(tensor, "_keras_history", None)
    if history is None or id(tensor) in seen:
        return
    seen.add(id(tensor))
    node = history.operation._inbound_nodes[history.node_index]
    if history.operation is layer:
        yield from node.input_tensors[:1]
    for each in node.input_tensors:
        yield from _given(each, layer, seen)
