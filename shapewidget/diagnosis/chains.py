"""Walks through the graph past nodes that hand a tensor on with its axes as they are."""

from __future__ import annotations

from collections.abc import Iterator

from shapewidget.diagnosis.evidence import Evidence
from shapewidget.graph.records import Layer, LayerKind

_KEEPS_AXES = frozenset(
    "Dropout Dropout1d Dropout2d AlphaDropout Identity ReLU LeakyReLU ELU GELU SiLU Tanh Sigmoid Hardtanh "
    "dropout relu gelu tanh sigmoid leaky_relu silu elu contiguous clone detach to float half masked_fill".split()
)


def maker(evidence: Evidence, layer: Layer, place: int = 0) -> tuple[Layer, int] | None:
    """The node that made an input, past activations and dropout, and which of its outputs it is."""
    while True:
        edge = evidence.edge_into(layer.id, place)
        before = evidence.layer(edge.source) if edge is not None else None
        if edge is None or before is None:
            return None
        if before.type not in _KEEPS_AXES:
            return before, edge.output
        layer, place = before, 0


def chain_before(evidence: Evidence, layer: Layer, place: int = 0) -> Iterator[Layer]:
    """The nodes before an input, the nearest first, up to one that brings several tensors together."""
    node = evidence.producer(layer.id, place)
    while node is not None and node.kind is not LayerKind.INPUT:
        yield node
        node = evidence.producer(node.id, 0) if len(node.inputs) == 1 else None


def readers(evidence: Evidence, layer: Layer, output: int = 0) -> Iterator[tuple[Layer, int]]:
    """The nodes that read an output, past activations and dropout, and as which of their inputs."""
    for edge in evidence.edges_out.get(layer.id, ()):
        reader = evidence.layer(edge.target)
        if reader is None or edge.output != output:
            continue
        if reader.type in _KEEPS_AXES and reader.kind in (LayerKind.OPERATION, LayerKind.LAYER):
            yield from readers(evidence, reader)
        else:
            yield reader, edge.input


def index_items(layer: Layer) -> tuple[str, ...]:
    """What stands between the brackets of an index, item by item: (":", "-1"); empty of other nodes."""
    asked = layer.settings.get("1")
    if layer.name != "index" or not isinstance(asked, str):
        return ()
    return tuple(asked.strip("[]").split(", "))


def is_whole_number(item: str) -> bool:
    """Whether an item of an index picks one position."""
    return item.lstrip("-").isdigit()


def axis_picked(layer: Layer) -> tuple[int, int] | None:
    """The axis of which an index takes one position, and the position; None unless there is just one such axis."""
    items = index_items(layer)
    if "..." in items or "None" in items or "tensor" in items:
        return None
    picked = [(axis, int(item)) for axis, item in enumerate(items) if is_whole_number(item)]
    return picked[0] if len(picked) == 1 else None


def axis_argument(layer: Layer) -> int | None:
    """The axis that an operation or layer runs along, counted from the front; None unless one is given."""
    asked = layer.settings.get("dim", layer.settings.get("axis", layer.settings.get("1")))
    if isinstance(asked, tuple) and len(asked) == 1:
        asked = asked[0]
    if isinstance(asked, bool) or not isinstance(asked, int) or not layer.inputs:
        return None
    rank = len(layer.inputs[0].shape)
    return asked % rank if -rank <= asked < rank else None
