"""In which order an axis that several were merged into holds them: sample by sample, or copy by copy."""

from __future__ import annotations

from dataclasses import dataclass

from shapewidget.diagnosis.batch_axis import BATCH
from shapewidget.diagnosis.chains import index_items
from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.loss_search import dims_of
from shapewidget.graph.dims import Dim, constant, product, symbol
from shapewidget.graph.records import Edge, Layer, LayerKind
from shapewidget.graph.steps import Dims

_RESHAPES = frozenset(("view", "reshape", "flatten", "unflatten", "view_as", "reshape_as", "Flatten"))
_JOINS = frozenset(("cat", "concat", "concatenate"))
_MOVING = frozenset(("transpose", "permute", "T", "t"))
_OPEN = frozenset((":", "...", "None"))
"""What may stand in brackets that pick nothing."""
_ONE = constant(1)


@dataclass(frozen=True)
class Merged:
    """What the first axis of a tensor was merged of.

    Attributes:
        order: The axes in it, the slowest first: (B, T) holds all steps of a sample side by side.
        by: The node that merged them.
        axis: The axis of its output that they were merged into.
    """

    order: Dims
    by: Layer
    axis: int = 0

    def is_turned(self, other: Merged) -> bool:
        """Whether both hold the same axes, and what is slowest in one is fastest in the other."""
        if len(self.order) > 1 and self.order == other.order[::-1]:
            return self.order != other.order
        return _is_behind(self.order, other.order) or _is_behind(other.order, self.order)

    @property
    def rows(self) -> int:
        """How long the merged axis is."""
        return self.by.outputs[0].shape[self.axis]


def _is_behind(one: Dims, other: Dims) -> bool:
    """Whether the first axis of one is the last of the other, with the same ones beside it."""
    return (
        len(one) > 1 and len(other) > 1 and one[0] == other[-1] != other[0] and product(one[1:]) == product(other[:-1])
    )


Known = dict[tuple[str, Dim], "Merged | None"]
"""What was found behind a node already."""


def merged(evidence: Evidence, layer: Layer, place: int, known: Known) -> Merged | None:
    """What the first axis of one input of a node was merged of; None where it was not, or that is not known."""
    if place >= len(layer.inputs) or not layer.inputs[place].shape:
        return None
    wanted, found, passed = dims_of(layer.inputs[place])[0], None, []
    node = evidence.producer(layer.id, place)
    while node is not None and node.kind is not LayerKind.INPUT and any(spec.shape for spec in node.inputs):
        if (node.id, wanted) in known:
            found = known[node.id, wanted]
            break
        passed.append((node.id, wanted))
        order = _order(node, wanted)
        if order is not None:
            found = Merged(order, node)
            break
        at = next((at for at, spec in enumerate(node.inputs) if spec.shape and dims_of(spec)[0] == wanted), None)
        if at is None or node.name in _MOVING or not set(index_items(node)) <= _OPEN:
            break
        node = evidence.producer(node.id, at)
    known.update(dict.fromkeys(passed, found))
    return found


def changed_order(evidence: Evidence, layer: Layer, place: int) -> Merged | None:
    """The order in which the batch axis of an input holds samples and copies, as a replaced sample shows it."""
    found, edge = evidence.independence, evidence.edge_into(layer.id, place)
    touch = found.touched.get((edge.source, edge.output)) if found is not None and edge is not None else None
    if found is None or edge is None or touch is None or touch.axis is None or not found.is_own(touch):
        return None
    batch = found.sizes["B"]
    copies = touch.size // batch
    by, axis = _grown(evidence, edge, touch.size)
    if by is None or copies < 2 or len(touch.rows) < 2:
        return None
    is_side_by_side = all(row // copies == found.sample for row in touch.rows)
    is_copy_by_copy = all(row % batch == found.sample for row in touch.rows)
    if is_side_by_side == is_copy_by_copy:
        return None
    copied = constant(by.outputs[0].shape[axis] // evidence.graph.sizes["B"])
    return Merged((BATCH, copied) if is_side_by_side else (copied, BATCH), by, axis)


def _grown(evidence: Evidence, edge: Edge | None, size: int) -> tuple[Layer | None, int]:
    """The node that made the batch axis as long as it is on an edge, and which axis of it that is."""
    found, by, axis = evidence.independence, None, 0
    while edge is not None and found is not None:
        touch = found.touched.get((edge.source, edge.output))
        if touch is None or touch.axis is None or touch.size != size:
            break
        by, axis = evidence.layer(edge.source), touch.axis
        into = [each for each in evidence.edges_into.get(edge.source, ()) if _is_touched(evidence, each)]
        edge = into[0] if into else None
    return by, axis


def _is_touched(evidence: Evidence, edge: Edge) -> bool:
    touch = evidence.independence.touched.get((edge.source, edge.output)) if evidence.independence else None
    return touch is not None and touch.axis is not None and bool(touch.rows)


def _order(node: Layer, wanted: Dim) -> Dims | None:
    """The axes that a node merges into its first one; None for a node that merges none."""
    given = dims_of(node.inputs[0])
    if (
        not given
        or not node.outputs
        or not node.outputs[0].shape
        or dims_of(node.outputs[0])[0] != wanted
        or given[0] == wanted
    ):
        return None
    if node.type in _RESHAPES:
        for count in range(2, len(given) + 1):
            if product(given[:count]) == wanted:
                return tuple(dim for dim in given[:count] if dim != _ONE)
        copies = _copies(node, given[0], wanted)
        return (given[0], copies) if copies is not None and given[0] != _ONE else None
    copies = _copies(node, given[0], wanted)
    if copies is None or given[0] == _ONE:
        return None
    if node.name == "repeat_interleave":
        return given[0], copies
    return (copies, given[0]) if _joins_alike(node) or node.name in ("repeat", "tile") else None


def _joins_alike(node: Layer) -> bool:
    """Whether it joins tensors of one shape: of those that only this run has, at this length, no symbol is known."""
    first = node.inputs[0]
    rows = {dims_of(first)[0], constant(first.shape[0])}
    return node.name in _JOINS and all(spec.shape == first.shape and dims_of(spec)[0] in rows for spec in node.inputs)


def _copies(node: Layer, dim: Dim, wanted: Dim) -> Dim | None:
    """How many rows are made of one."""
    before, after = node.inputs[0].shape[0], node.outputs[0].shape[0]
    if not before or after % before or after == before:
        return None
    rest = [name for _, names in wanted.terms for name in names]
    for _, names in dim.terms:
        for name in names:
            if name in rest:
                rest.remove(name)
    found = product([symbol(name) for name in rest]) if rest else constant(after // before)
    return found if product((dim, found)) == wanted else constant(after // before)
