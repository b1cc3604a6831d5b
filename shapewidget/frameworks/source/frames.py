"""Which line of the user's code is running.

Asked once for every recorded operation, so `here` only walks a few frames; `resolve` turns what it found into text
when somebody looks. Only code objects are kept, never frames, which would keep every tensor of the run alive.
"""

from __future__ import annotations

import ast
import sys
import sysconfig
from enum import Enum
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType

from shapewidget.frameworks.source.cells import label
from shapewidget.frameworks.source.text import Source, Span
from shapewidget.graph.records import SourceLine

Capture = tuple[CodeType, int]
"""A code object and the index of the instruction that was running."""

_FRAMEWORKS = ("torch", "keras", "tf_keras", "tensorflow", "jax", "numpy")
_PACKAGE = Path(__file__).parents[2]
_ZOO = _PACKAGE / "zoo"
_PROBING = _PACKAGE / "frameworks" / "keras" / "record.py"
"""Runs a model that may hold no code of the user's: who asked for that is no part of the program."""
_INSTALLED = ("site-packages", "dist-packages")


class _Origin(Enum):
    MACHINERY = "machinery"
    """A framework, the standard library or ourselves: says nothing about the user's program."""
    PROBING = "probing"
    """Calls the model: what called that is not the user's program."""
    LIBRARY = "library"
    OWN = "own"


@lru_cache(maxsize=4096)
def _origin(filename: str) -> _Origin:
    if filename.startswith("<"):
        return _Origin.MACHINERY if filename.startswith(("<frozen", "<__array_function__")) else _Origin.OWN
    path = Path(filename)
    if path == _PROBING:
        return _Origin.PROBING
    if path.is_relative_to(_PACKAGE):
        return _Origin.MACHINERY if is_of_package(filename) else _Origin.OWN
    if any(path.is_relative_to(root) for root in _framework_roots()):
        return _Origin.MACHINERY
    if any(part in _INSTALLED for part in path.parts):
        return _Origin.LIBRARY
    return _Origin.MACHINERY if path.is_relative_to(sysconfig.get_path("stdlib")) else _Origin.OWN


def _framework_roots() -> list[str]:
    loaded = [sys.modules[name] for name in _FRAMEWORKS if name in sys.modules]
    return [root for module in loaded for root in getattr(module, "__path__", ())]


def is_own(filename: str) -> bool:
    """Whether a source is the user's, and not of an installed package."""
    return _origin(filename) is _Origin.OWN


def is_of_package(filename: str) -> bool:
    """Whether a source is our own machinery; models of the zoo are programs like the user's."""
    path = Path(filename)
    return path.is_relative_to(_PACKAGE) and not path.is_relative_to(_ZOO)


def here() -> Capture | None:
    """Where the user's program is.

    Returns:
        Something for `resolve`; None where every frame is machinery.
    """
    frame = current(2)
    return (frame.f_code, frame.f_lasti) if frame is not None else None


def current(depth: int = 1) -> FrameType | None:
    """The innermost frame that is no framework's, and no standard library's; not to be kept.

    If that is an installed library's, and the user's own code called the library with no framework in between (as of
    an einops function), the user's frame; a model from a library shows the library's own line.
    """
    frame: FrameType | None = sys._getframe(depth)
    machinery = _Origin.MACHINERY
    while frame is not None and (origin := _origin(frame.f_code.co_filename)) is machinery:
        frame = frame.f_back
    if frame is None or origin is _Origin.PROBING:
        return None
    caller: FrameType | None = frame
    while caller is not None and (origin := _origin(caller.f_code.co_filename)) is not machinery:
        if origin is _Origin.OWN:
            return caller
        caller = caller.f_back
    return frame


def resolve(capture: Capture) -> SourceLine:
    """The line and the expression that were running; without text where the source can't be seen."""
    code, instruction = capture
    line, end_line, column, end_column = next(
        islice(code.co_positions(), max(instruction, 0) // 2, None), (None, None, None, None)
    )
    line = line or code.co_firstlineno
    source = Source.read(code.co_filename)
    if source is None or line > len(source.lines):
        return SourceLine(code.co_filename, label(code.co_filename), line)
    expression = None
    if end_line is not None and column is not None and end_column is not None:
        expression = source.text(_whole(source, Span(line, column, end_line, end_column)))
    return source.line(line, expression)


def _whole(source: Source, span: Span) -> Span:
    """The whole of a call chain that is broken over lines: Python marks only its last part, from the name on."""
    before = source.lines[span.line - 1].encode()[: span.column].rstrip()
    if not before.endswith(b"."):
        return span
    end = (span.end_line, span.end_column)
    spans = [Span.of(node) for node in ast.walk(source.tree) if isinstance(node, ast.expr)]
    wholes = [whole for whole in spans if whole.end == end and whole.start < span.start]
    return max(wholes, key=lambda whole: whole.start, default=span)
