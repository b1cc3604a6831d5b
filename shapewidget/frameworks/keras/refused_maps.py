"""A function of a `tf.data` pipeline that raises as it is given batches, and runs on samples."""

from __future__ import annotations

import ast
import contextlib
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any

import tensorflow as tf

from shapewidget.frameworks.keras.stages import stage_name, stages
from shapewidget.frameworks.source.edits import replacing_expression
from shapewidget.frameworks.source.frames import is_own, resolve
from shapewidget.frameworks.source.text import Source
from shapewidget.graph.records import SourceLine
from shapewidget.graph.remedies import SourceEdit

_MAP = "DatasetV2.map"
_BATCHING = ("batch", "padded_batch", "ragged_batch")

Shape = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class RefusedMap:
    """A function that takes samples, behind the batching.

    Attributes:
        function: Its name.
        stage: What makes the batches: "batch".
        batch: The shape of the first tensor that it is given; None for an axis of any size.
        sample: What it is of a sample.
        made: What the function makes of that.
        source: The line that calls `map`.
    """

    function: str
    stage: str
    batch: Shape
    sample: Shape
    made: Shape
    source: SourceLine | None


def refused_map(error: Exception) -> RefusedMap | None:
    """The function that raised in `map`, where it runs on a sample of what it was given; else None."""
    trace, own = error.__traceback__, None
    while isinstance(trace, TracebackType):
        frame = trace.tb_frame
        if is_own(frame.f_code.co_filename):
            own = resolve((frame.f_code, trace.tb_lasti))
        if frame.f_code.co_qualname == _MAP:
            with contextlib.suppress(Exception):  # the user's function, run in another way than it was written for
                return _on_samples(frame, own)
        trace = trace.tb_next
    return None


def _on_samples(frame: FrameType, source: SourceLine | None) -> RefusedMap | None:
    dataset, function = frame.f_locals["self"], frame.f_locals["map_func"]
    stage = next((name for each in stages(dataset) if (name := stage_name(each)) in _BATCHING), None)
    if stage is None:
        return None
    samples = dataset.unbatch()
    made = next(iter(samples.map(function).batch(2)))
    name = getattr(function, "__name__", "function")
    name = "the function" if name == "<lambda>" else name
    return RefusedMap(name, stage, _first(dataset), _first(samples), tuple(_leaf(made).shape[1:]), source)


def _first(dataset: tf.data.Dataset) -> Shape:
    return tuple(_leaf(dataset.element_spec).shape)


def _leaf(element: Any) -> Any:
    return tf.nest.flatten(element)[0]


def mapped_before_batching(line: SourceLine | None) -> SourceEdit | None:
    """The edit that lets `map` and the `batch` in front of it change places; None where another call is between."""
    source = Source.read(line.filename) if line is not None else None
    if source is None or line is None or line.expression is None:
        return None
    match ast.parse(line.expression, mode="eval").body:
        case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Attribute(attr=inner)), attr="map") as outer) as call:
            batched: Any = outer.value
            if inner in _BATCHING:
                before, mapped, after = batched.func.value, _called(call), _called(batched)
                text = f"{ast.unparse(before)}.{mapped}.{after}"
                return replacing_expression(source, line.line, line.expression, text)
    return None


def _called(call: Any) -> str:
    """A method call without what it is called on: "batch(12)"."""
    return ast.unparse(ast.Call(ast.Name(call.func.attr), call.args, call.keywords))
