"""Where the user's code called a layer, of layers that a probe runs without any code of the user's."""

from __future__ import annotations

import weakref
from typing import Any

from shapewidget.frameworks import source

_called: weakref.WeakKeyDictionary[Any, set[source.Capture]] = weakref.WeakKeyDictionary()


def called_here(layer: Any, line: source.Capture | None) -> None:
    """Keep where a layer was called while its model was built."""
    if line is not None:
        _called.setdefault(layer, set()).add(line)


def called_at(layer: Any) -> source.Capture | None:
    """Where a layer was called, if it was seen being called, and at one place only."""
    calls = _called.get(layer, set())
    return next(iter(calls)) if len(calls) == 1 else None
