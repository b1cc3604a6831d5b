"""Lengths of the parts that a data set was to be split into, and refused because they do not add up to its own."""

from __future__ import annotations

import ast
import contextlib
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FrameType, TracebackType
from typing import Any

from shapewidget.frameworks.loading import raised_at
from shapewidget.frameworks.source.edits import as_operand
from shapewidget.frameworks.source.text import Source, Span
from shapewidget.graph.records import SourceLine
from shapewidget.graph.remedies import SourceEdit

_SPLIT = "random_split"


@dataclass(frozen=True, slots=True)
class Split:
    """A split that was refused.

    Attributes:
        samples: How many samples the data set has.
        lengths: How many each part was to have.
        source: The user's own line.
        is_mended: Whether the data set is split once the last part is what the others leave.
    """

    samples: int
    lengths: tuple[int, ...]
    source: SourceLine | None
    is_mended: bool

    @property
    def left_over(self) -> int:
        """How many samples the last part has to have for all of them to be in one."""
        return self.samples - sum(self.lengths[:-1])


def refused_split(error: Exception) -> Split | None:
    """The split that an error is about; None where it is about something else."""
    trace = error.__traceback__
    while isinstance(trace, TracebackType):
        frame = trace.tb_frame
        if frame.f_code.co_qualname == _SPLIT and frame.f_globals.get("__name__", "").startswith("torch.utils.data"):
            return _read(frame, raised_at(error))
        trace = trace.tb_next
    return None


def _read(frame: FrameType, source: SourceLine | None) -> Split | None:
    with contextlib.suppress(Exception):  # arguments that are no data set and no lengths are another mistake
        dataset, lengths = frame.f_locals["dataset"], tuple(map(operator.index, frame.f_locals["lengths"]))
        found = Split(len(dataset), lengths, source, is_mended=False)
        if lengths and sum(lengths) != found.samples:
            mended = (*lengths[:-1], found.left_over)
            return replace(found, is_mended=found.left_over > 0 and _splits(frame, dataset, mended))
    return None


def _splits(frame: FrameType, dataset: Any, lengths: tuple[int, ...]) -> bool:
    """Whether the data set is split in this way; drawn with a generator of its own, so that the program's is left."""
    split: Callable[..., Any] = frame.f_globals[_SPLIT]
    parts = split(dataset, lengths, generator=frame.f_globals["Generator"]())
    return tuple(map(len, parts)) == lengths


def with_the_rest(line: SourceLine | None) -> SourceEdit | None:
    """The edit of a call that gives the last part what the others leave; None where its arguments are not in sight."""
    source = Source.read(line.filename) if line is not None else None
    if source is None or line is None:
        return None
    for node in ast.walk(source.tree):
        match node:
            case ast.Call(args=[dataset, ast.List(elts=[*others, last]) as lengths, *_]) if others:
                if source.text(Span.of(node)) == line.expression and node.lineno <= line.line <= lengths.lineno:
                    taken = "".join(f" - {as_operand(source, each)}" for each in others)
                    return source.replacing(Span.of(last), f"len({source.text(Span.of(dataset))}){taken}")
    return None
