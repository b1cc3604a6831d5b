"""Inputs of a layer whose axes hold what it wants, in another order or not yet merged."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from shapewidget.diagnosis.evidence import Evidence
from shapewidget.diagnosis.loss_search import dims_of
from shapewidget.diagnosis.operand_texts import operands_of
from shapewidget.graph.dims import symbol
from shapewidget.graph.records import Layer, LayerKind, TensorSpec
from shapewidget.graph.remedies import AdaptCall, EditExpression, Remedy
from shapewidget.graph.steps import Step, Steps, written

_BATCH = symbol("B")


@dataclass(frozen=True, slots=True)
class Layout:
    """A way to give a layer the axes that it wants.

    Attributes:
        steps: What is done to its input.
        undo: What is done to its output then, so that the rest of the program sees the axes that it knows.
        why: What shows that this is meant, as a sentence.
    """

    steps: Steps
    undo: Steps
    why: str


def layouts(evidence: Evidence, layer: Layer, axis: int, size: int) -> Iterator[Layout]:
    """How the first input has to be put so that its axis `axis` has the size `size`."""
    given = layer.inputs[0]
    rank, dims = len(given.shape), dims_of(given)
    axis %= rank
    if rank == 2 and axis == 1 and given.shape[0] == size and _samples(evidence) == given.shape[1]:
        swap = (Step("transpose", (0, 1)),)
        why = f"There are {given.shape[1]} targets, and axis 0 has {size}: samples and features have changed places."
        yield Layout(swap, (), why)
    for other in range(rank - 1, 0, -1):
        is_it = given.shape[other] == size and not dims[other].names & {"B", "T"}
        if other != axis and axis and is_it:
            yield _moved(layer, rank, axis, other, size)
    is_convolution = layer.size("in_channels") is not None
    if is_convolution and axis == 0 and size == 1 and dims[0] == _BATCH:
        yield Layout((Step("unsqueeze", (1,)),), (), "The axis of the channels is missing.")
    if not is_convolution and axis == rank - 1:
        for first in range(1, rank - 1):
            if math.prod(given.shape[first:]) == size:
                product = " x ".join(map(str, given.shape[first:]))
                yield Layout((Step("flatten", (first,)),), (), f"{product} = {size}: the axes were not merged.")


def _samples(evidence: Evidence) -> int | None:
    """As many as there are targets, where they are known."""
    targets = next((layer for layer in evidence.graph.layers if evidence.is_targets(layer)), None)
    shape = targets.outputs[0].shape if targets is not None and targets.outputs else ()
    return shape[0] if shape else None


def _moved(layer: Layer, rank: int, axis: int, other: int, size: int) -> Layout:
    why = f"Axis {other} has {size}: the axes are in another order."
    if rank == 3:
        swap = Step("transpose", (min(axis, other), max(axis, other)))
        return Layout((swap,), (swap,), why)
    order = [place for place in range(rank) if place != other]
    order.insert(axis, other)
    back = tuple(order.index(place) for place in range(rank))
    return Layout((Step("permute", tuple(order)),), (Step("permute", back),), why)


def ranks(layer: Layer, wanted: int) -> Iterator[Layout]:
    """How an input with another number of axes has to be put."""
    given: TensorSpec = layer.inputs[0]
    rank, why = len(given.shape), ""
    singles = [axis for axis, size in enumerate(given.shape) if size == 1 and axis]
    if rank == wanted + 1:
        for axis in singles[::-1]:
            yield Layout((Step("squeeze", (axis,)),), (), why)
        yield Layout((Step("flatten", (0, 1)),), (Step("unflatten", (0, given.shape[:2])),), why)
        yield Layout((Step("flatten", (rank - 2,)),), (), why)
    elif rank == wanted - 1:
        is_channel = layer.size("in_channels") in (1, None)
        yield from (
            Layout((Step("unsqueeze", (axis,)),), (), why) for axis in ((1, 0, -1) if is_channel else (0, -1, 1))
        )
    elif rank > wanted:
        yield Layout((Step("flatten", (wanted - 1,)),), (), why)


def layout_remedies(evidence: Evidence, layer: Layer, layout: Layout) -> Iterator[Remedy]:
    """The layout in the user's own line, and at the call of the model where its input goes straight there."""
    operands = operands_of(layer)
    is_norm = "Norm" in layer.type
    if operands is not None and len(operands):
        text = operands.text(0)
        plain = operands.edit({0: written(layout.steps, text)})
        undone = EditExpression(plain.source, written(layout.undo, plain.replacement))
        yield from ((undone, plain) if is_norm else (plain, undone) if layout.undo else (plain,))
    yield from at_the_input(evidence, layer, 0, layout.steps)


def at_the_input(evidence: Evidence, layer: Layer, place: int, steps: Steps) -> Iterator[Remedy]:
    """The steps at the call of the model, where one of its inputs goes straight to a layer."""
    producer = evidence.producer(layer.id, place)
    if producer is None or producer.kind is not LayerKind.INPUT or producer.id.startswith("targets"):
        return
    inputs = [
        each for each in evidence.graph.layers if each.kind is LayerKind.INPUT and not each.id.startswith("targets")
    ]
    name = producer.name if producer.name.isidentifier() else "x"
    yield AdaptCall(inputs=steps, name=name, place=inputs.index(producer))
