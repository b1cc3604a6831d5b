"""Pictures that come with their channels first, where the layers of a model take them on the last axis."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.chains import chain_before
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import InsertLayer

_CHANNELS = (1, 3, 4)
_LEAST = 8
"""Pixels on a side of what is taken for a picture."""


def channels_first_at(evidence: Evidence, layer: Layer) -> Layer | None:
    """The layer that data enters by, before this one or itself, where it is given a picture with its channels first."""
    entry = [layer, *chain_before(evidence, layer)][-1]
    shape = entry.inputs[0].shape if entry.inputs else ()
    if entry.settings.get("data_format") != "channels_last" or len(shape) != 4 or not entry.path:
        return None
    return entry if shape[1] in _CHANNELS and min(shape[2:]) >= _LEAST else None


def channels_first_text(entry: Layer) -> str:
    """A sentence on what such a layer reads."""
    given = entry.inputs[0]
    return (
        f" The picture that {place_text(entry)} is given, {shape_text(given)}, has its channels first: it is read as "
        f"one of height {given.shape[1]} with {given.shape[3]} channels."
    )


def channels_last_remedies(entry: Layer | None) -> Iterator[InsertLayer]:
    """The channels moved to the end before they enter."""
    if entry is not None:
        yield InsertLayer(entry.path, "Permute", {"dims": (2, 3, 1)})
