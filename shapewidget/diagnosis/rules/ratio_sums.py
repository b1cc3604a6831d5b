"""Ratios of sums, as of a Dice score, whose sums run along an axis of one and so add nothing up."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.at_layer import finding_at
from shapewidget.diagnosis.axis_remedies import reduced_axes, reduced_for_each_sample
from shapewidget.diagnosis.evidence import Diagnosis, Evidence
from shapewidget.diagnosis.wording import place_text, shape_text
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import Remedy, Together

_DIVISIONS = frozenset(("div", "truediv", "divide", "div_no_nan"))
_PLAIN = frozenset(("add", "sub", "mul", "neg", "square"))


def ratio_of_single_values(evidence: Evidence) -> Iterator[Diagnosis]:
    """A ratio whose upper part sums a product, and whose lower part sums, each along an axis of one."""
    for layer in evidence.graph.layers:
        if layer.kind is not LayerKind.OPERATION or layer.name not in _DIVISIONS or len(layer.inputs) != 2:
            continue
        above, below = (list(_sums(evidence, layer, place)) for place in (0, 1))
        is_overlap = any(_is_of_product(evidence, each) for each in above)
        if is_overlap and below and all(map(_adds_nothing_up, (*above, *below))):
            yield _said(above[0], layer, list({each.id: each for each in (*above, *below)}.values()))


def _sums(evidence: Evidence, layer: Layer, place: int | None) -> Iterator[Layer]:
    """The sums that one operand of a node comes from, past plain arithmetic."""
    for edge in evidence.edges_into.get(layer.id, ()):
        node = evidence.layer(edge.source) if place in (None, edge.input) else None
        if node is not None and node.name == "sum":
            yield node
        elif node is not None and node.name in _PLAIN:
            yield from _sums(evidence, node, None)


def _is_of_product(evidence: Evidence, layer: Layer) -> bool:
    made = evidence.producer(layer.id, 0)
    return made is not None and made.name == "mul"


def _adds_nothing_up(layer: Layer) -> bool:
    shape, axes = layer.inputs[0].shape, reduced_axes(layer)
    rest = [size for axis, size in enumerate(shape[1:], 1) if axis not in axes]
    return len(shape) > 2 and 0 not in axes and all(shape[axis] == 1 for axis in axes) and max(rest, default=1) > 1


def _said(first: Layer, ratio: Layer, sums: list[Layer]) -> Diagnosis:
    given, axes = first.inputs[0], reduced_axes(first)
    wanted = list(range(1, len(given.shape)))
    edits = [edit for each in sums if (edit := reduced_for_each_sample(each)) is not None]
    apart = len({(edit.source.line, edit.source.expression) for edit in edits}) == len(edits) == len(sums)
    remedies: tuple[Remedy, ...] = (Together(tuple(edits)),) if apart else ()
    said = finding_at(
        "SW674",
        first,
        f"{place_text(first)} runs along axis {axes[0]} of {shape_text(given)}, which has a single value: nothing is "
        f"added up, and {place_text(ratio)} gives a ratio for every value, {ratio.outputs[0].shape}. A ratio of sums "
        f"is one a sample, {given.shape[:1]}, with the sums along {wanted}.",
        fix=edits[0].replacement if edits else f"axis={wanted}",
        axis=axes[0],
        axis_name="axis of one",
        expected=given.shape[:1],
        got=first.outputs[0].shape,
    )
    return Diagnosis(said, remedies)
