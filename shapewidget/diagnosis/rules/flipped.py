"""Sequences that are turned round along their features, in front of a recurrent layer that was to read them backwards.

A layer learns the features in whichever order they come, so that turning them round in front of it alone has no effect.
Where one layer reads both orders, they are meant: that is how pictures are mirrored.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.batch_axis import TIME, is_in_doubt
from shapewidget.diagnosis.chains import readers
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.expressions import indexed
from shapewidget.diagnosis.flips import flipped_axes
from shapewidget.diagnosis.operand_texts import call_of, is_method
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression, Together


def features_turned_round(evidence: Evidence) -> Iterator[Diagnosis]:
    """A flip of the last axis of (batch, time, features), which only recurrent layers of their own read."""
    if is_in_doubt(evidence):
        return
    for layer in evidence.graph.layers:
        if flipped_axes(layer) != (2,) or len(layer.inputs[0].shape) != 3:
            continue
        reads = [reader for reader, _ in readers(evidence, layer)]
        times = {_time_of(reader, layer) for reader in reads if not _is_called_again(evidence, reader)}
        time = times.pop() if len(times) == 1 and reads else None
        if time is not None and not any(_is_called_again(evidence, reader) for reader in reads):
            yield _said(evidence, layer, reads[0], time)


def _time_of(reader: Layer, layer: Layer) -> int | None:
    """The axis that a recurrent layer reads along; None of another layer."""
    if "return_sequences" in reader.settings:
        return 1
    dims = layer.inputs[0].dims or ()
    is_recurrent = reader.size("hidden_size") is not None and "batch_first" in reader.settings
    return dims.index(TIME) if is_recurrent and TIME in dims[:2] else None


def _is_called_again(evidence: Evidence, layer: Layer) -> bool:
    return sum(each.path == layer.path and each.kind is layer.kind for each in evidence.graph.layers) > 1


def _said(evidence: Evidence, layer: Layer, read: Layer, time: int) -> Diagnosis:
    given, last = layer.inputs[0], len(layer.inputs[0].shape) - 1
    behind = [reader for reader, _ in readers(evidence, read) if flipped_axes(reader) == (2,)]
    edits = [edit for each in (*behind, layer) for edit in _along_time(each, time)]
    is_whole = len(edits) == 1 + len(behind)
    features, steps = given.shape[last], given.shape[time]
    reason = (
        f"{place_text(layer)} turns axis {last} of {shape_text(given)} round, the {features} features. "
        f"{place_text(read)} then reads the {steps} steps in the same order as before: axis {time} is time."
    )
    said = finding_at(
        "SW644", layer, reason, fix="; ".join(edit.replacement for edit in edits) or f"flip({time})", axis=last,
        axis_name="features", expected=f"dim={time} ({steps} steps)", got=f"dim={last} ({features} features)",
    )  # fmt: skip
    return Diagnosis(said, (Together(tuple(edits)),) if is_whole else ())


def _along_time(layer: Layer, time: int) -> Iterator[EditExpression]:
    """The flip with the axis of time in the place of that of the features."""
    call, source = call_of(layer.source), layer.source
    behind = indexed(source)
    if behind is not None and source is not None:
        yield EditExpression(source, f"{behind}[{':, ' * time}::-1]")
    if call is None or source is None or not isinstance(call.func, ast.Attribute):
        return
    tensor = call.func.value if is_method(call.func) else next(iter(call.args), None)
    if tensor is not None and layer.name == "flip":
        yield EditExpression(source, f"{ast.unparse(tensor)}.flip({time})")
    for text in () if layer.name == "flip" else (_with_axis(layer, time),):
        yield from (EditExpression(source, text),) if text is not None else ()


def _with_axis(layer: Layer, time: int) -> str | None:
    """The same function along time, whose axes are given as a number or a list."""
    call = call_of(layer.source)
    value = next((each.value for each in call.keywords if each.arg == "axis"), None) if call is not None else None
    value = value if value is not None or call is None or len(call.args) < 2 else call.args[1]
    if call is None or value is None:
        return None
    better = ast.parse(f"[{time}]" if isinstance(value, ast.List | ast.Tuple) else str(time), mode="eval").body
    return ast.unparse(_Replaced(value, better).visit(call))


class _Replaced(ast.NodeTransformer):
    """Puts one expression in the place of another."""

    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        """Give the new expression for the old one."""
        return self._new if node is self._old else self.generic_visit(node)
