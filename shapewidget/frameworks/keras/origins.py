"""Where the user's code calls or makes a layer, of layers that a probe runs without any code of the user's."""

from __future__ import annotations

import weakref
from typing import Any

from shapewidget.frameworks import source
from shapewidget.frameworks.keras.sites import only_maker
from shapewidget.frameworks.source.text import Span
from shapewidget.graph.records import SourceLine

_called: weakref.WeakKeyDictionary[Any, set[source.Capture]] = weakref.WeakKeyDictionary()
_made: weakref.WeakKeyDictionary[Any, SourceLine | None] = weakref.WeakKeyDictionary()


def called_here(layer: Any, line: source.Capture | None) -> None:
    """Keep where a layer was called while its model was built."""
    if line is not None:
        _called.setdefault(layer, set()).add(line)


def line_of(layer: Any) -> SourceLine | None:
    """The line that called a layer, if one was seen; else the one that made it, if only one can have.

    Searched for once, as the user's sources are many.
    """
    calls = _called.get(layer, ())
    if len(calls) == 1:
        return source.resolve(*calls)
    if layer not in _made:
        _made[layer] = _searched(layer)
    return _made[layer]


def _searched(layer: Any) -> SourceLine | None:
    try:
        site = only_maker(layer)
    except Exception:  # a layer that cannot tell what it is made from
        return None
    return site.source.line(Span.of(site.call).line, site.text) if site is not None else None
