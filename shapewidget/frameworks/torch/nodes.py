"""The nodes of a recording while it runs, and the layer graph that they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import nn
from torch.nn.parameter import is_lazy

from shapewidget.frameworks import source
from shapewidget.frameworks.torch import layers
from shapewidget.frameworks.torch.provenance import Slot
from shapewidget.graph.records import Agreement, Edge, Layer, LayerGraph, LayerKind, SourceLine, TensorSpec


@dataclass(slots=True)
class Node:
    """A node while it is being recorded.

    Attributes:
        reads: The producer of every input that has one, with the place of that input.
        escaped: The producers of values that left torch before this node took them.
        reached: Whether it ran.
    """

    id: str
    kind: LayerKind
    name: str
    type: str
    path: str
    parent: str | None
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    module: nn.Module | None = None
    settings: Mapping[str, object] | None = None
    line: source.Capture | None = None
    reads: list[tuple[Slot, int]] = field(default_factory=list)
    escaped: Sequence[Slot] = ()
    reached: bool = True


def drawn(nodes: Sequence[Node], refused: set[str], title: str) -> LayerGraph:
    """The graph of a recording, without constants that nothing reads.

    Args:
        nodes: In the order in which they ran.
        refused: Ids of the nodes that stay, even if nothing reads them.
        title: What the graph is called.
    """
    line = _Lines()
    read = {slot.node for node in nodes for slot, _ in node.reads}
    read.update(slot.node for node in nodes for slot in node.escaped)
    kept = [
        node
        for place, node in enumerate(nodes)
        if node.reads or node.kind is not LayerKind.OPERATION or place in read or node.escaped or node.id in refused
    ]
    edges = [
        Edge(nodes[slot.node].id, node.id, slot.output, place, Agreement.AGREE if node.reached else Agreement.UNREACHED)
        for node in kept
        for slot, place in node.reads
    ]
    edges += [
        Edge(nodes[slot.node].id, node.id, slot.output, len(node.inputs) + place, escaped=True)
        for node in kept
        for place, slot in enumerate(node.escaped)
    ]
    return LayerGraph(tuple([_layer(node, line) for node in kept]), tuple(edges), title=title)


class _Lines:
    """The source lines of a recording: one is asked for by every operation of a loop, and read once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], SourceLine] = {}

    def __call__(self, capture: source.Capture) -> SourceLine:
        key = (id(capture[0]), capture[1])  # a code object hashes all of its code
        if key not in self._known:
            self._known[key] = source.resolve(capture)
        return self._known[key]


def _layer(node: Node, line: _Lines) -> Layer:
    module = node.module
    return Layer(
        node.id,
        node.kind,
        node.name,
        node.type,
        node.path,
        node.parent,
        node.inputs,
        node.outputs,
        layers.declared_sizes(module) if module is not None else (),
        layers.settings(module) if module is not None and node.settings is None else node.settings or {},
        _weights(module, whole=node.kind is LayerKind.LAYER) if module is not None else 0,
        line(node.line) if node.line is not None else None,
    )


def _weights(module: nn.Module, *, whole: bool) -> int:
    """Number of weights of a layer; of a group only those that no layer inside it holds."""
    weights = module.parameters() if whole and module._modules else module._parameters.values()
    return sum([it.numel() for it in weights if it is not None and not is_lazy(it)]) if weights else 0
