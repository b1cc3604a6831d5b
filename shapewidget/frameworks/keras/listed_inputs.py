"""Several inputs that were handed to `tf.data` as a list, of which it makes one tensor."""

from __future__ import annotations

import ast
import contextlib
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import tensorflow as tf

from shapewidget.frameworks.loading import raised_at
from shapewidget.frameworks.nesting import is_array
from shapewidget.frameworks.source.text import Source, Span
from shapewidget.graph.records import SourceLine
from shapewidget.graph.remedies import SourceEdit

_SLICING = "DatasetV2.from_tensor_slices"


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of arrays that were each to be an input.

    Attributes:
        count: How many arrays are in it.
        shape: The shape of each.
        samples: How many samples there are once each is an input of its own.
        source: The user's own line.
    """

    count: int
    shape: tuple[int, ...]
    samples: int
    source: SourceLine | None


def listed_inputs(error: Exception) -> Listed | None:
    """The list that an error is about, where its arrays make a data set as a tuple; else None."""
    trace = error.__traceback__
    while isinstance(trace, TracebackType):
        frame = trace.tb_frame
        if frame.f_code.co_qualname == _SLICING:
            with contextlib.suppress(Exception):  # arrays that are not of one length either
                given = frame.f_locals["tensors"]
                lists = _lists(given)
                made = tf.data.Dataset.from_tensor_slices(_with_tuples(given))
                if lists:
                    first = lists[0]
                    samples = int(made.cardinality())
                    return Listed(len(first), tuple(map(int, first[0].shape)), samples, raised_at(error))
        trace = trace.tb_next
    return None


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(is_array(each) and len(each.shape) for each in value)


def _lists(value: Any) -> list[list[Any]]:
    if _is_list(value):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else ()
    return [found for each in inner for found in _lists(each)]


def _with_tuples(value: Any) -> Any:
    if _is_list(value):
        return tuple(value)
    if isinstance(value, dict):
        return {name: _with_tuples(each) for name, each in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, tuple) else value


def as_tuple(line: SourceLine | None) -> SourceEdit | None:
    """The edit of a call whose only list becomes a tuple; None where it holds none, or several."""
    source = Source.read(line.filename) if line is not None else None
    if source is None or line is None:
        return None
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and node.lineno <= line.line <= (node.end_lineno or node.lineno):
            lists = [each for given in node.args for each in ast.walk(given) if isinstance(each, ast.List)]
            if source.text(Span.of(node)) == line.expression and len(lists) == 1:
                inside = source.text(Span.of(lists[0]))[1:-1]
                return source.replacing(Span.of(lists[0]), f"({inside}{',' if len(lists[0].elts) == 1 else ''})")
    return None
