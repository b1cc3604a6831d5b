"""Means of every sample that are divided by a count over all samples."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_parts import Role, is_all
from shapewidget.diagnosis.axis_remedies import reduced_axes, reduced_over
from shapewidget.diagnosis.chains import maker
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.diagnosis.written_loss import ends_in_one_number, has_weights_behind
from shapewidget.graph.records import Layer, LayerKind

_COUNTS = frozenset(("sum", "mean", "count_nonzero"))
_SUMS = frozenset(("sum", "matmul", "bmm", "einsum"))
_ON_THE_WAY = frozenset("clamp clamp_min add float to type maximum max unsqueeze view reshape expand".split())
_LINEAR = frozenset("add sub mul div neg view reshape squeeze float".split())


def divided_by_count_of_all(evidence: Evidence) -> Iterator[Diagnosis]:
    """Sums over the positions of each sample, divided by how many positions all samples have together.

    A loss may do so, as it adds the samples up behind.
    """
    for layer in evidence.graph.layers:
        if layer.name.rstrip("_") != "div" or len(layer.inputs) < 2 or layer.id in evidence.clash_at:
            continue
        count, total = _maker(evidence, layer, 1), maker(evidence, layer, 0)
        if count is None or total is None or total[0].name not in _SUMS or count.name not in _COUNTS:
            continue
        if len(layer.inputs[0].shape) < 2 or has_weights_behind(evidence.graph, layer.id, 1):
            continue
        axes = _axes_of_a_sample(evidence, layer, count)
        if axes and not ends_in_one_number(evidence.graph, layer.id, _LINEAR):
            yield _said(layer, total[0], count, axes)


def _maker(evidence: Evidence, layer: Layer, place: int) -> Layer | None:
    node = evidence.producer(layer.id, place)
    while node is not None and node.kind is LayerKind.OPERATION and node.name.rstrip("_") in _ON_THE_WAY:
        node = evidence.producer(node.id, 0)
    return node


def _axes_of_a_sample(evidence: Evidence, layer: Layer, count: Layer) -> tuple[int, ...]:
    """The axes that a count runs along besides the batch, where what is divided still has the batch."""
    given, axes = evidence.axes_into(count), reduced_axes(count)
    batch = next((axis for axis in axes if given[axis] and is_all(given[axis], Role.BATCH)), None)
    if batch is None or count.inputs[0].shape[batch] < 2:
        return ()
    kept = any(is_all(axis, Role.BATCH) for axis in evidence.axes_into(layer) if axis)
    counted = [axis for axis in axes if axis != batch and is_all(given[axis], Role.POSITIONS)]
    return tuple(counted) if kept and len(counted) == len(axes) - 1 else ()


def _said(layer: Layer, total: Layer, count: Layer, axes: tuple[int, ...]) -> Diagnosis:
    given, made = count.inputs[0], count.outputs[0]
    samples = layer.inputs[0].shape[0]
    edit = reduced_over(count, axes)
    wanted = tuple(1 if axis in axes else size for axis, size in enumerate(given.shape))
    reason = (
        f"{place_text(count)} counts all of {shape_text(given)}, its {samples} samples too, and gives {made.shape}. "
        f"`{layer.name}` divides the sum of every sample, {shape_text(layer.inputs[0])} from {place_text(total)}, by "
        f"it: a sample comes out smaller the more positions the others have. Each has a count of its own, {wanted}."
    )
    said = finding_at(
        "SW664", count, reason, fix=edit.replacement if edit is not None else "mask.sum(dim=1, keepdim=True)", axis=0,
        axis_name="batch", expected=wanted, got=made.shape,
    )  # fmt: skip
    return Diagnosis(said, (edit,) if edit is not None else ())
