"""Sizes that no named size gives: how many values are not zero, are picked by a mask, or are different."""

from __future__ import annotations

from shapewidget.graph.records import Layer, LayerGraph, TensorSpec

_COUNTING = frozenset(
    "nonzero argwhere masked_select unique unique_consecutive bincount boolean_mask nms _pack_padded_sequence".split()
)
_DOUBTFUL = frozenset(("where", "repeat_interleave", "index", "getitem"))


def sized_by_data(graph: LayerGraph) -> dict[str, Layer]:
    """The nodes with an axis whose size depends on the data, each with the operation that it comes from."""
    found: dict[str, Layer] = {}
    for layer in graph.layers:
        if not any(map(_is_unknown, (*layer.inputs, *layer.outputs))):
            continue
        before = [found[edge.source] for edge in graph.into(layer.id) if edge.source in found]
        if before:
            found[layer.id] = before[0]
        elif counts_values(layer):
            found[layer.id] = layer
    return found


def _is_unknown(spec: TensorSpec) -> bool:
    return spec.dims is not None and not all(dim.known for dim in spec.dims)


def counts_values(layer: Layer) -> bool:
    """Whether an operation gives as many rows as its values say."""
    if layer.name in _COUNTING:
        return True
    return layer.name in _DOUBTFUL and any(spec.dtype in ("bool", "uint8", "int64") for spec in layer.inputs)
