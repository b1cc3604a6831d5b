"""In which order an axis that several were merged into holds them: sample by sample, or copy by copy."""

from __future__ import annotations

from dataclasses import dataclass

from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.loss_search import dims_of
from shapewidget.graph.dims import Dim, constant, product, symbol
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.steps import Dims

_RESHAPES = frozenset(("view", "reshape", "flatten", "unflatten", "view_as", "reshape_as", "Flatten"))
_JOINS = frozenset(("cat", "concat", "concatenate"))
_ONE = constant(1)


@dataclass(frozen=True)
class Merged:
    """What the first axis of a tensor was merged of.

    Attributes:
        order: The axes in it, the slowest first: (B, T) holds all steps of a sample side by side.
        by: The node that merged them.
    """

    order: Dims
    by: Layer


def merged(evidence: Evidence, layer: Layer, place: int) -> Merged | None:
    """What the first axis of one input of a node was merged of; None where it was not, or that is not known."""
    if place >= len(layer.inputs) or not layer.inputs[place].shape:
        return None
    wanted = dims_of(layer.inputs[place])[0]
    node = evidence.producer(layer.id, place)
    while node is not None and node.kind is not LayerKind.INPUT and node.inputs and node.inputs[0].shape:
        order = _order(node, wanted)
        if order is not None:
            return Merged(order, node)
        at = next((at for at, spec in enumerate(node.inputs) if spec.shape and dims_of(spec)[0] == wanted), None)
        if at is None or node.name in ("index", "transpose", "permute", "T", "t"):
            return None
        node = evidence.producer(node.id, at)
    return None


def _order(node: Layer, wanted: Dim) -> Dims | None:
    """The axes that a node merges into its first one; None for a node that merges none."""
    given = dims_of(node.inputs[0])
    if not node.outputs or not node.outputs[0].shape or dims_of(node.outputs[0])[0] != wanted or given[0] == wanted:
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
    is_join = node.name in _JOINS and len({dims_of(spec) for spec in node.inputs}) == 1
    return (copies, given[0]) if is_join or node.name in ("repeat", "tile") else None


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
