"""Whether a failing line runs with another tensor of its scope: the labels of one batch stand where all are meant."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from shapewidget.diagnosis.findings import Finding
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.frameworks.adapter import Adapter, Batch, Failure, InScope
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import EditExpression

_CODES = ("SW201", "SW301", "SW302", "SW303")
_MOST_TRIED = 6


def with_another_name(adapter: Adapter, failure: Failure, found: Finding) -> Finding:
    """The finding with the first other name as its fix with which the line runs; as it is where there is none."""
    if failure.lines is None or not failure.others or found.code not in _CODES:
        return found
    batch = Batch((), failure.values or {})
    with contextlib.suppress(Exception):  # the user's lines, run in another way than they were written for
        own = adapter.record(failure.lines, batch, None)
        refused = next(each for each in own.graph.layers if each.id == own.clashes[0].layer_id)
        for remedy in list(_renamed(refused, failure.others))[:_MOST_TRIED]:
            attempt = adapter.attempt(failure.lines, None, remedy)
            if attempt is None:
                continue
            made = adapter.record(attempt.model, batch, None)
            if not made.clashes and made.stopped is None:
                return replace(found, fix=attempt.fix, patch=attempt.patch, source=attempt.source, verified=True)
    return found


def _renamed(layer: Layer, others: Sequence[InScope]) -> Iterator[EditExpression]:
    """The expression with one operand, which is no call, replaced by what has as many rows as the other one."""
    operands = operands_of(layer)
    if operands is None or len(operands) < 2 or len(layer.inputs) < 2:
        return
    for place in (1, 0):
        wanted, given = layer.inputs[1 - place].shape, layer.inputs[place]
        if isinstance(operands.nodes[place], ast.Call) or not wanted or wanted[:1] == given.shape[:1]:
            continue
        read = {each.id for each in ast.walk(operands.nodes[1 - place]) if isinstance(each, ast.Name)}
        for other in (each for each in others if each.name not in read):
            is_alike = (other.shape[1:], other.dtype) == (given.shape[1:], given.dtype)
            if is_alike and other.shape[:1] == wanted[:1]:
                yield operands.edit({place: other.text})
