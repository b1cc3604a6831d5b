"""Pieces that a map was cut into, and whether a reshape that puts them back finds them in the order of the map."""

from __future__ import annotations

import math

from shapewidget.diagnosis.axis_parts import Part, Role
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.graph.records import Layer


def put_back_otherwise(evidence: Evidence, layer: Layer) -> tuple[list[Part], list[int]] | None:
    """The pieces that a reshape is given, and the order in which they were cut, where they stand in another."""
    given = evidence.axes_into(layer)
    parts = [part for axis in given for part in axis]
    order = _as_cut(parts, layer.outputs[0].shape) if all(given) else None
    return None if order is None or order == list(range(len(parts))) else (parts, order)


def _origin(part: Part) -> tuple[str, int, int]:
    return part.by, part.output, part.axis


def _as_cut(parts: list[Part], made: tuple[int, ...]) -> list[int] | None:
    """The order that brings the pieces of every axis together; None unless two axes of positions come back whole.

    They come back as large as they were, and in the order of the axes that they were.
    """
    origins = list(dict.fromkeys(map(_origin, parts)))
    pieces = {it: [place for place, part in enumerate(parts) if _origin(part) == it] for it in origins}
    cut = [it for it in origins if len(pieces[it]) > 1 and all(_is_position(parts[place]) for place in pieces[it])]
    sizes = tuple(math.prod(parts[place].size for place in pieces[it]) for it in origins)
    in_order = [axis for _, _, axis in cut] == sorted(axis for _, _, axis in cut)
    if len(cut) < 2 or not in_order or len({(by, output) for by, output, _ in cut}) > 1 or sizes != made:
        return None
    return [place for it in origins for place in sorted(pieces[it], key=lambda at: -parts[at].piece[1])]


def _is_position(part: Part) -> bool:
    return part.role is not Role.FEATURES and part.role is not Role.BATCH and not part.is_whole
