"""Changes that leave the batch on its axis where a reshape folds other positions into it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from shapewidget.diagnosis.chains import readers
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.expressions import receiver_of
from shapewidget.graph.dims import Dim, product
from shapewidget.graph.records import Layer
from shapewidget.graph.remedies import AdaptCall, EditExpression, Remedy, SetArgument, Together
from shapewidget.graph.steps import Step


def fold_remedies(evidence: Evidence, fold: Layer, loss: Layer, count: int) -> tuple[Remedy, ...]:
    """One row a sample: all positions side by side, or the last of them, or their mean."""
    return (
        *_repeated_behind_batch(fold, count),
        *(_of_a_sequence(fold) if _keeps_features(fold) else flattened(evidence, fold)),
        *_undone_at_the_end(evidence, loss, count),
    )


def _repeated_behind_batch(fold: Layer, count: int) -> Iterator[Remedy]:
    """Copies along an axis of their own: ``h.unsqueeze(1).repeat(1, 12, 1)``."""
    receiver = receiver_of(fold.source, fold.name)
    if receiver is None or fold.source is None or fold.name not in ("repeat", "tile"):
        return
    ones = ", 1" * (len(fold.inputs[0].shape) - 1)
    yield EditExpression(fold.source, f"{receiver}.unsqueeze(1).{fold.name}(1, {count}{ones})")


def _keeps_features(fold: Layer) -> bool:
    """Whether (B, T, F) is read as (B·T, F): every row is then a position."""
    given, made = fold.inputs[0].shape, fold.outputs[0].shape
    return len(given) == 3 and given[2:] == made[1:]


def _of_a_sequence(fold: Layer) -> Iterator[Remedy]:
    receiver = receiver_of(fold.source, fold.name)
    if receiver is not None and fold.source is not None:
        yield EditExpression(fold.source, f"{receiver}[:, -1]")
        yield EditExpression(fold.source, f"{receiver}.mean(1)")


def flattened(evidence: Evidence, reshape: Layer) -> Iterator[Remedy]:
    """`flatten(1)` in the place of a reshape, and the layer behind it built for the width that comes out."""
    receiver = receiver_of(reshape.source, reshape.name)
    given = reshape.inputs[0]
    if receiver is None or reshape.source is None or len(given.shape) < 2:
        return
    edit = EditExpression(reshape.source, f"{receiver}.flatten(1)")
    width = math.prod(given.shape[1:])
    dim = product(given.dims[1:]) if given.dims is not None else None
    for reader, _ in readers(evidence, reshape):
        yield from _with_width(edit, reader, width, dim)
    yield edit


def _with_width(edit: EditExpression, reader: Layer, width: int, dim: Dim | None) -> Iterator[Remedy]:
    declared = next((size for size in reader.declared if size.axis is not None), None)
    if declared is not None and declared.size != width and reader.path:
        known = dim if dim is not None and dim.known else None
        yield Together((edit, SetArgument(reader.path, declared.name, width, known)))


def _undone_at_the_end(evidence: Evidence, loss: Layer, count: int) -> Iterator[Remedy]:
    """Bring the positions back to an axis of their own behind the model, and take their mean."""
    producer = evidence.producer(loss.id, 1)
    if loss.parent is None and producer is not None and producer.id.startswith("targets"):
        yield AdaptCall(outputs=(Step("unflatten", (0, (-1, count))), Step("mean", (1,))))
