"""What changes in a run when one sample of the batch is replaced: in a model that keeps them apart, only that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shapewidget.graph.dims import Dim
from shapewidget.graph.records import LayerGraph

Tensor = tuple[str, int]
"""Id of a layer, and which of its outputs."""


@dataclass(frozen=True, slots=True)
class Touch:
    """What a replaced sample changes in one tensor.

    Attributes:
        axis: The axis that holds the batch, or the batch merged with others; None where there is not exactly one.
        size: The axis' size.
        rows: Its positions at which values changed; of a tensor without such an axis, (0,) if any value did.
    """

    axis: int | None
    size: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Independence:
    """Two runs under one state of the random numbers, which differ in one sample.

    Attributes:
        sample: Its place in the batch.
        sizes: The named sizes of both runs.
        touched: What changed in every tensor that both runs made.
    """

    sample: int
    sizes: Mapping[str, int]
    touched: Mapping[Tensor, Touch] = field(default_factory=dict)

    def is_own(self, touch: Touch) -> bool:
        """Whether all that changed may belong to the replaced sample, wherever the batch stands in a merged axis."""
        batch = self.sizes["B"]
        repeats = touch.size // batch
        return touch.axis is not None and any(
            all(row // stride % batch == self.sample for row in touch.rows)
            for stride in range(1, repeats + 1)
            if repeats % stride == 0
        )


def batch_axes(graph: LayerGraph) -> dict[Tensor, int]:
    """The axis that holds the batch, of every tensor that has exactly one: "B", or merged with others, "B·T"."""
    made = [((layer.id, place), spec) for layer in graph.layers for place, spec in enumerate(layer.outputs)]
    # behind a loop, whose steps are nodes of their own, what reads a tensor may be known, and not what made it
    into = [(edge, layer) for layer in graph.layers for edge in graph.into(layer.id)]
    read = [((edge.source, edge.output), layer.inputs[edge.input]) for edge, layer in into]
    found = {}
    for tensor, spec in (*read, *made):
        axes = [axis for axis, dim in enumerate(spec.dims or ()) if "B" in dim.names]
        if spec.dims is not None and len(axes) == 1 and _is_multiple(spec.dims[axes[0]]):
            found[tensor] = axes[0]
    return found


def _is_multiple(dim: Dim) -> bool:
    return len(dim.terms) == 1 and not dim.offset and dim.divisor == 1 and dim.terms[0][1].count("B") == 1
