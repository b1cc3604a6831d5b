"""Reductions that drop an axis which what they meet still has: they are to keep it, with size 1."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shapewidget.diagnosis.axis_remedies import axis_keywords, reduced_axes
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.operand_texts import call_of
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, Together

_REDUCING = frozenset("mean sum amax amin prod logsumexp std var norm linalg_norm linalg_vector_norm".split())


def axes_kept(evidence: Evidence, layer: Layer, pair: tuple[int, int]) -> Iterator[Remedy]:
    """The reduction behind the operand of fewer axes with its axes kept; before that, all that are alike."""
    longer, shorter = sorted(pair, key=lambda place: -len(layer.inputs[place].shape))
    reduction = _behind(evidence, layer, shorter)
    if reduction is None or not _meets(_kept_shape(reduction), layer.inputs[longer].shape):
        return
    alike = [each for each in evidence.graph.layers if _is_alike(each, reduction)]
    edits = {it.source: it for each in alike if (it := _keeping(each)) is not None}
    if len(edits) > 1:
        yield Together(tuple(edits.values()))
    yield from (it for it in edits.values() if reduction.source == it.source)


def _behind(evidence: Evidence, layer: Layer, place: int) -> Layer | None:
    """The reduction that gave an operand its shape, past what only changes values."""
    shape, node = layer.inputs[place].shape, evidence.producer(layer.id, place)
    while node is not None and node.kind is LayerKind.OPERATION and node.inputs and node.outputs[0].shape == shape:
        if node.name in _REDUCING and len(node.inputs[0].shape) > len(shape):
            return node
        node = evidence.producer(node.id, 0)
    return None


def _kept_shape(reduction: Layer) -> tuple[int, ...]:
    gone = reduced_axes(reduction)
    return tuple(1 if axis in gone else size for axis, size in enumerate(reduction.inputs[0].shape))


def _meets(kept: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(kept) == len(wanted) and all(
        one == other or 1 in (one, other) for one, other in zip(kept, wanted, strict=True)
    )


def _is_alike(one: Layer, other: Layer) -> bool:
    if one.name != other.name or one.parent != other.parent or not one.inputs or not one.outputs:
        return False
    return (
        reduced_axes(one) == reduced_axes(other)
        and one.inputs[0].shape == other.inputs[0].shape
        and one.outputs[0].shape == other.outputs[0].shape
    )


def _keeping(reduction: Layer) -> EditExpression | None:
    call, name = call_of(reduction.source), axis_keywords(reduction)[1]
    if call is None or reduction.source is None:
        return None
    others = [each for each in call.keywords if each.arg != name]
    kept = ast.Call(call.func, call.args, [*others, ast.keyword(name, ast.Constant(True))])
    return EditExpression(reduction.source, ast.unparse(kept))
