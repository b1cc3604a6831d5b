"""Refuse sizes that the host has no memory for: on a CPU the system would kill the kernel instead of raising."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from shapewidget.errors import InputError
from shapewidget.graph.records import Layer, LayerGraph, TensorSpec


def check_room(graph: LayerGraph, sizes: Mapping[str, int], room: int | None) -> None:
    """Make sure that the largest layer of a graph fits at other sizes.

    Args:
        graph: A solved graph.
        sizes: The named sizes to run at.
        room: Bytes that can be taken; None where a lack of them raises an error that can be caught.

    Raises:
        InputError: They do not suffice; names the layer, what it takes and what there is.
    """
    if room is None:
        return
    layer = max(graph.layers, key=lambda layer: _bytes(layer, sizes), default=None)
    if layer is not None and _bytes(layer, sizes) > room:
        raise InputError(
            f"At {', '.join(f'{name} = {size:,}' for name, size in sizes.items() if size != graph.sizes.get(name))} "
            f"`{layer.name}` alone takes {_bytes(layer, sizes) / 2**30:,.1f} GiB, and {room / 2**30:,.1f} GiB are "
            f"free. Choose a smaller size."
        )


def _bytes(layer: Layer, sizes: Mapping[str, int]) -> int:
    return sum(_size(spec, sizes) for spec in (*layer.inputs, *layer.outputs))


def _size(spec: TensorSpec, sizes: Mapping[str, int]) -> int:
    axes = list(spec.shape)
    for axis, dim in enumerate(spec.dims or ()):
        solved = dim.at(sizes)
        axes[axis] = axes[axis] if solved is None else max(solved, 0)
    bits = re.search(r"\d+$", spec.dtype)
    return math.prod(axes) * (int(bits.group()) // 8 if bits else 4)
