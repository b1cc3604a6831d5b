"""The user's source: which line ran, what built a layer, and how the text reads once it is mended.

Framework-neutral and from the standard library only. Nothing here is ever evaluated but the user's own code, with one
edit in it.
"""

from __future__ import annotations

from shapewidget.frameworks.source.frames import Capture, current, here, resolve
from shapewidget.frameworks.source.overwritten import overwritten
from shapewidget.frameworks.source.warned import warnings_of_own_lines

__all__ = ["Capture", "current", "here", "overwritten", "resolve", "warnings_of_own_lines"]
