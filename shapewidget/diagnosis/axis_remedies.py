"""Changes of the axis that an operation or a layer runs along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shapewidget.diagnosis.chains import axis_argument, axis_picked
from shapewidget.diagnosis.expressions import along, indexed, receiver_of
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.graph.remedies import EditExpression, Remedy, SetArgument


def along_axes(layer: Layer, axes: Sequence[int]) -> Iterator[Remedy]:
    """The operation along each of these axes instead, the likeliest first."""
    runs_along = axis_argument(layer)
    for axis in axes if runs_along is not None else ():
        if layer.kind is LayerKind.LAYER:
            yield SetArgument(layer.path, "dim", axis)
        elif layer.source is not None and runs_along is not None:
            text = along(layer.source, runs_along, len(layer.inputs[0].shape), axis)
            yield from (EditExpression(layer.source, text),) if text is not None else ()


def picked_along(layer: Layer, axis: int) -> Iterator[Remedy]:
    """The same position of another axis: ``x[:, 0]`` where ``x[0]`` stands."""
    picked, receiver = axis_picked(layer), indexed(layer.source)
    if picked is not None and receiver is not None and layer.source is not None:
        items = ", ".join((*[":"] * axis, str(picked[1])))
        yield EditExpression(layer.source, f"{receiver}[{items}]")


def squeezed_by_name(layer: Layer, singles: Sequence[int], rank: int) -> Iterator[Remedy]:
    """The axes of size 1 taken away by name, the last first; or all behind the batch merged, which keeps it too."""
    receiver = receiver_of(layer.source, layer.name)
    if receiver is None or layer.source is None or not singles:
        return
    if len(singles) > 1 and rank - len(singles) == 2:
        yield EditExpression(layer.source, f"{receiver}.flatten(1)")
    steps = "".join(f".squeeze({axis})" for axis in sorted(singles, reverse=True))
    yield EditExpression(layer.source, f"{receiver}{steps}")
