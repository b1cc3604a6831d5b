"""Warnings name the line of the user's program, though a recorder stands between it and what warns.

PyTorch warns of a loss that broadcasts one frame above the loss, and while it is recorded that is a frame of ours.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import TextIO

from shapewidget.frameworks.source.frames import current, is_of_package


@contextlib.contextmanager
def warnings_of_own_lines() -> Iterator[None]:
    """Show warnings as they would be shown without us, but none with a line of ours."""
    shown = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        frame = current() if is_of_package(filename) else None
        if frame is not None:
            filename, lineno = frame.f_code.co_filename, frame.f_lineno
        shown(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    try:
        yield
    finally:
        if warnings.showwarning is show:
            warnings.showwarning = shown
