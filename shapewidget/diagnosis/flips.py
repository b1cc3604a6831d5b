"""Operations that turn a tensor round along some of its axes, however they are written."""

from __future__ import annotations

from shapewidget.diagnosis.chains import index_items
from shapewidget.graph.records import Layer

_FLIPS = frozenset(("flip", "fliplr", "flipud", "reverse_v2"))
_BACKWARDS = "::-1"


def is_flip(layer: Layer) -> bool:
    """Whether an operation turns its tensor round, and does nothing else."""
    return bool(layer.inputs) and (layer.name in _FLIPS or _BACKWARDS in index_items(layer))


def flipped_axes(layer: Layer) -> tuple[int, ...]:
    """The axes that it turns round, counted from the front; none of another operation."""
    rank, items = len(layer.inputs[0].shape) if layer.inputs else 0, index_items(layer)
    if _BACKWARDS in items:
        is_all = set(items) <= {":", "...", _BACKWARDS} and items.count("...") <= 1
        skipped = rank - len(items) if "..." in items else 0
        behind = items.index("...") if "..." in items else len(items)
        places = [place + skipped * (place > behind) for place, item in enumerate(items) if item == _BACKWARDS]
        return tuple(places) if is_all else ()
    if not is_flip(layer):
        return ()
    asked = layer.settings.get("dims", layer.settings.get("axis", layer.settings.get("1")))
    given = asked if isinstance(asked, tuple) else (asked,)
    return tuple(axis % rank for axis in given if isinstance(axis, int))
