"""Sizes, layers and shapes as a person says them."""

from __future__ import annotations

from shapewidget.graph.dims import Dim
from shapewidget.graph.records import Layer, LayerKind, TensorSpec


def size_text(size: object, dim: Dim | None = None) -> str:
    """'2·hidden = 512', or just '512' where the size is a plain number."""
    if dim is None or not dim.known or dim.is_constant:
        return str(size)
    return f"{dim} = {size}"


def shape_text(spec: TensorSpec) -> str:
    """'(B, T, 2·hidden) = (8, 16, 512)', or just the numbers where nothing was solved.

    A model that is being built has axes of no size yet: then just the symbols.
    """
    numbers = "(" + ", ".join(map(str, spec.shape)) + ("," if len(spec.shape) == 1 else "") + ")"
    symbols = str(spec)
    if min(spec.shape, default=0) < 0:
        return symbols
    return numbers if symbols == numbers or spec.dims is None else f"{symbols} = {numbers}"


def place_text(layer: Layer) -> str:
    """'`encoder.lstm` (LSTM)', or '`view` in `encoder`' for a function."""
    if layer.kind is LayerKind.INPUT:
        return f"the input `{layer.name}`"
    is_function = layer.kind is LayerKind.LOSS and (not layer.path or layer.type.islower())
    if layer.kind is LayerKind.OPERATION or is_function:
        return f"`{layer.name}`" + (f" in `{layer.path}`" if layer.path else "")
    return f"`{layer.type}`" if layer.path in ("", layer.type) else f"`{layer.path}` ({layer.type})"


def why_of(producer: Layer, dim: Dim | None) -> str:
    """Why a layer gives a size that surprises, as the end of a sentence; empty where there is nothing to say."""
    if producer.settings.get("bidirectional") and dim is not None and producer.size("hidden_size"):
        hidden = producer.size("hidden_size")
        size = producer.outputs[0].shape[-1] if producer.outputs else None
        if hidden is not None and size == 2 * hidden:
            return f": a bidirectional {producer.type} joins both directions, 2 x {hidden}"
    return ""
