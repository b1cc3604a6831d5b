"""Changes that let a mask of padding through."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import KeepMask


def mask_remedies(layer: Layer) -> Iterator[KeepMask]:
    """For a layer that keeps the steps of its input and drops its mask."""
    if layer.kind is not LayerKind.OPERATION and layer.path:
        yield KeepMask(layer.path)
