"""What the rules look at: the solved graph of the user's run, and where this and other runs were refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from shapewidget.diagnosis.axis_parts import Axes
from shapewidget.diagnosis.axis_tracing import Tracing, traced
from shapewidget.diagnosis.findings import Finding
from shapewidget.graph.dims import Dim
from shapewidget.graph.independence import Independence
from shapewidget.graph.masking import Mask
from shapewidget.graph.padding import LengthsAs, Padding
from shapewidget.graph.records import Clash, Edge, Layer, LayerGraph, LayerKind, Recording
from shapewidget.graph.remedies import Remedy


@dataclass(frozen=True)
class Diagnosis:
    """A finding, and the changes that may mend it, the likeliest first."""

    finding: Finding
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """Everything known about a program after its probes.

    Attributes:
        graph: The user's run, its axes solved.
        clashes: Where the user's run was refused.
        others: The runs at other sizes.
        meanings: What the named sizes mean: {"B": "batch size"}.
        independence: What changes when one sample of the batch is replaced, where that was tried.
        axes_given: Whether the user said what the axes of the inputs mean.
        smallest_batch: Samples of the smallest batch that the user's loader gives, where it was gone through.
        masks: What the tensors of two values mark, by the node that made them and which of its outputs they are.
        tables: Rows and columns of the grids that the model keeps as tables of points, by the shape of the table.
        told_lengths: The inputs that say how long the sequences are, by their place, and in which form.
        padded: The inputs that are filled up with zeros behind their sequences.
    """

    graph: LayerGraph
    clashes: tuple[Clash, ...] = ()
    others: tuple[Recording, ...] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)
    independence: Independence | None = None
    axes_given: bool = False
    padded: tuple[Padding, ...] = ()
    smallest_batch: int | None = None
    masks: Mapping[tuple[str, int], Mask] = field(default_factory=dict)
    tables: Mapping[tuple[int, ...], tuple[int, int]] = field(default_factory=dict)
    told_lengths: Mapping[int, LengthsAs] = field(default_factory=dict)

    @cached_property
    def edges_into(self) -> dict[str, list[Edge]]:
        """The edges that end at every node, in the order of its inputs."""
        found: dict[str, list[Edge]] = {}
        for edge in sorted(self.graph.edges, key=lambda edge: edge.input):
            found.setdefault(edge.target, []).append(edge)
        return found

    @cached_property
    def edges_out(self) -> dict[str, list[Edge]]:
        """The edges that start at every node."""
        found: dict[str, list[Edge]] = {}
        for edge in self.graph.edges:
            found.setdefault(edge.source, []).append(edge)
        return found

    @cached_property
    def tracing(self) -> Tracing:
        """Where the axes of all tensors come from."""
        return traced(self.graph, self.edges_into)

    def axes_into(self, layer: Layer, place: int = 0) -> Axes:
        """What the axes of one input of a node are made of; nothing is known of those of a constant."""
        edge, rank = self.edge_into(layer.id, place), len(layer.inputs[place].shape)
        axes = self.tracing.axes.get((edge.source, edge.output), ()) if edge is not None else ()
        return axes if len(axes) == rank else ((),) * rank

    def before(self, layer_id: str) -> set[str]:
        """The nodes that a node's values come from, and itself."""
        found, waiting = {layer_id}, [layer_id]
        while waiting:
            for edge in self.edges_into.get(waiting.pop(), ()):
                if edge.source not in found:
                    found.add(edge.source)
                    waiting.append(edge.source)
        return found

    @cached_property
    def unread_lengths(self) -> list[tuple[Layer, LengthsAs]]:
        """The inputs that say how long the sequences are, and that nothing reads."""
        inputs = [layer for layer in self.graph.layers if layer.kind is LayerKind.INPUT and layer.outputs]
        told = [(inputs[place], form) for place, form in self.told_lengths.items() if place < len(inputs)]
        return [(layer, form) for layer, form in told if not self.edges_out.get(layer.id)]

    @cached_property
    def clash_at(self) -> dict[str, Clash]:
        """The first clash of every node that has one."""
        return {clash.layer_id: clash for clash in reversed(self.clashes)}

    def layer(self, layer_id: str) -> Layer | None:
        """The node of that id, if the run reached it."""
        return self.graph.by_id.get(layer_id)

    def edge_into(self, layer_id: str, place: int) -> Edge | None:
        """The edge that ends at one input of a node; None for a constant or a weight."""
        return next((edge for edge in self.graph.into(layer_id) if edge.input == place), None)

    def producer(self, layer_id: str, place: int) -> Layer | None:
        """The node that made one input of a node."""
        edge = self.edge_into(layer_id, place)
        return self.layer(edge.source) if edge is not None else None

    def is_targets(self, layer: Layer | None) -> bool:
        """Whether a node is what the caller of the loss hands in: it stands behind the output of the model."""
        if layer is None or not layer.id.startswith("targets") or layer.kind is not LayerKind.INPUT:
            return False
        return self.is_behind_the_model(layer)

    def is_behind_the_model(self, layer: Layer) -> bool:
        """Whether a node is the output of the model, or comes after it, as a loss does."""
        ids = [each.id for each in self.graph.layers]
        return "output" in ids and ids.index("output") <= ids.index(layer.id)

    def dim(self, layer: Layer, place: int, axis: int | None) -> Dim | None:
        """The expression of one axis of one input, if it was solved."""
        if axis is None or place >= len(layer.inputs):
            return None
        dims = layer.inputs[place].dims
        return dims[axis] if dims is not None and dims[axis].known else None


def arguments_of_model(evidence: Evidence) -> frozenset[str]:
    """The named sizes that are arguments of the model's constructor, and no axes of its inputs."""
    return frozenset(name for name, meaning in evidence.meanings.items() if meaning.startswith("argument of "))
