"""The nodes recorded so far, and which of them made which tensor. Tensors are held while recording: ids stay theirs."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any, NamedTuple

import keras

from shapewidget.frameworks import source
from shapewidget.frameworks.keras import layers
from shapewidget.frameworks.keras.tensors import is_masked, spec
from shapewidget.graph.records import Clash, Edge, Layer, LayerGraph, LayerKind, SourceLine, TensorSpec

Mark = tuple[int, int, dict[str, int]]
"""Where a record stands: how many nodes and clashes it has, and how often each id was given."""


class Slot(NamedTuple):
    """One output of one node."""

    node: int
    output: int


class _Made(NamedTuple):
    """A tensor that is held, the output that it is, and what it looks like."""

    tensor: Any
    slot: Slot
    spec: TensorSpec


@dataclass(slots=True)
class Node:
    """A node while it is being recorded."""

    id: str
    kind: LayerKind
    name: str
    type: str
    path: str
    parent: str | None
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    layer: keras.layers.Layer | None = None
    settings: dict[str, object] = field(default_factory=dict)
    line: Any = None
    place: tuple[FrameType, int] | None = None
    reads: list[tuple[Slot, int]] = field(default_factory=list)
    given: Sequence[Any] | None = None


class Nodes:
    """An append-only list of nodes that can be cut back to where it was."""

    def __init__(self) -> None:
        """Empty."""
        self.all: list[Node] = []
        self.clashes: list[Clash] = []
        self.groups: list[Node] = []
        self._producer: dict[int, _Made] = {}
        self._calls: dict[str, int] = {}

    def add(self, kind: LayerKind, name: str, type_: str, path: str, *, id_: str, read: Sequence[Any] = ()) -> Node:
        """Append a node that reads these tensors."""
        count = self._calls[id_] = self._calls.get(id_, 0) + 1
        parent = self.groups[-1].id if self.groups else None
        inputs = tuple(map(self._spec, read))
        node = Node(id_ if count == 1 else f"{id_}#{count}", kind, name, type_, path, parent, inputs)
        for place, tensor in enumerate(read):
            slot = self.producer(tensor)
            if slot is not None:
                node.reads.append((slot, place))
        self.all.append(node)
        return node

    def producer(self, tensor: Any) -> Slot | None:
        """Which node gave this tensor."""
        known = self._producer.get(id(tensor))
        return known.slot if known is not None else None

    def _spec(self, tensor: Any) -> TensorSpec:
        """Shape and dtype, read once; a mask may be given to a tensor later, or taken from it."""
        known = self._producer.get(id(tensor))
        return known.spec if known is not None and known.spec.masked == is_masked(tensor) else spec(tensor)

    def origin(self, tensor: Any) -> dict[str, object]:
        """What made a tensor, and whether it was made with weights, as settings of a node that stands for it."""
        slot = self.producer(tensor)
        if slot is None:
            return {}
        made = self.all[slot.node]
        return {"made_by": made.name, "made_in": (made.id, slot.output), "learned": self._is_learned(slot.node)}

    def _is_learned(self, node: int) -> bool:
        """Whether a layer with weights is among what a node was made of."""
        waiting, seen = [node], set[int]()
        while waiting:
            place = waiting.pop()
            layer = self.all[place].layer
            if (layer is not None and layer.weights) or self.all[place].settings.get("learned"):
                return True
            found = {read.node for read, _ in self.all[place].reads} - seen
            seen |= found
            waiting += found
        return False

    def gives(self, node: Node, tensors: Sequence[Any]) -> None:
        """Note the outputs of a node."""
        index = len(self.all) - 1
        while self.all[index] is not node:
            index -= 1
        node.outputs = tuple(map(spec, tensors))
        for place, (tensor, given) in enumerate(zip(tensors, node.outputs, strict=True)):
            self._producer[id(tensor)] = _Made(tensor, Slot(index, place), given)

    def same(self, tensor: Any, other: Any) -> None:
        """Note that a tensor holds the values of another one."""
        slot = self.producer(other)
        if slot is not None:
            self._producer[id(tensor)] = _Made(tensor, slot, spec(tensor))

    def clash(self, node: Node, clash: Clash) -> None:
        """Note that a node was refused."""
        self.clashes.append(replace(clash, layer_id=node.id))

    def mark(self) -> Mark:
        """Where the record stands."""
        return len(self.all), len(self.clashes), dict(self._calls)

    def cut_back(self, mark: Mark) -> None:
        """Forget what came after a mark."""
        count, clashes, self._calls = mark
        del self.all[count:], self.clashes[clashes:]
        self._producer = {key: known for key, known in self._producer.items() if known.slot.node < count}

    def graph(self, title: str) -> LayerGraph:
        """What was recorded, without the inputs that nothing reads."""
        line = functools.cache(source.resolve)
        read = {slot.node for node in self.all for slot, _ in node.reads}
        refused = {clash.layer_id for clash in self.clashes}
        kept = [
            place
            for place, node in enumerate(self.all)
            if node.kind is not LayerKind.INPUT or place in read or node.id in refused
        ]
        for place in kept:
            if place not in read and self.all[place].kind is LayerKind.LAYER:
                _look_for_loss(self.all[place], line)
        return LayerGraph(
            tuple(_layer(self.all[place], line) for place in kept),
            tuple(
                Edge(self.all[slot.node].id, self.all[place].id, slot.output, input_)
                for place in kept
                for slot, input_ in self.all[place].reads
            ),
            title=title,
        )


def _look_for_loss(node: Node, line: Callable[[Any], SourceLine]) -> None:
    """Note where the result of a layer that nothing reads is lost, if the code says it."""
    lost = source.overwritten(line(node.line)) if node.line is not None else None
    if lost is not None:
        node.settings["overwritten"] = tuple(lost)


def _layer(node: Node, line: Callable[[Any], SourceLine]) -> Layer:
    layer = node.layer
    settings: Mapping[str, object] = layers.settings(layer) | node.settings if layer is not None else node.settings
    return Layer(
        node.id,
        node.kind,
        node.name,
        node.type,
        node.path,
        node.parent,
        node.inputs,
        node.outputs,
        layers.declared_sizes(layer) if layer is not None else (),
        settings,
        _weights(layer) if layer is not None and node.kind is LayerKind.LAYER else 0,
        line(node.line) if node.line is not None else None,
    )


def _weights(layer: keras.layers.Layer) -> int:
    return sum(math.prod(weight.shape) for weight in layer.weights) if layer.built else 0
