"""What to do to outputs and targets so that a loss compares every prediction with its own target.

A search over short chains of tensor methods, the cheapest first; one is taken when the axes agree as expressions of
the named sizes, so that numbers which are equal by chance do not count.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from shapewidget.graph.dims import constant
from shapewidget.graph.records import TensorSpec
from shapewidget.graph.steps import WHOLE, Dims, Step, Steps, dims_after, index

_DEAREST = 9
_MOST_STATES = 400
_ONE = constant(1)


@dataclass(frozen=True, slots=True)
class _Pair:
    outputs: Dims
    targets: Dims
    is_float: bool
    """Whether the targets are."""


Adaptation = tuple[Steps, Steps]
"""What is done to the outputs, and what to the targets."""


def dims_of(spec: TensorSpec, arguments: Collection[str] = ()) -> Dims:
    """The dims of a tensor; the sizes themselves where they were not solved, or depend on `arguments` only."""
    if spec.dims is None:
        return tuple(map(constant, spec.shape))
    return tuple(
        dim if dim.known and not dim.names <= set(arguments) else constant(size)
        for dim, size in zip(spec.dims, spec.shape, strict=True)
    )


def adaptations(outputs: Dims, targets: Dims, *, is_float: bool, of_classes: bool) -> Iterator[Adaptation]:
    """Pairs of steps after which the loss takes both, the plainest first.

    Args:
        outputs: The axes of what the model gives.
        targets: The axes of what it is compared with.
        is_float: Whether the targets are floats.
        of_classes: Whether the loss takes class indices, as cross entropy does, and not numbers of one shape.
    """
    start = _Pair(outputs, targets, is_float)
    count = itertools.count()
    waiting: list[tuple[int, int, _Pair, Adaptation]] = [(0, next(count), start, ((), ()))]
    seen: set[_Pair] = set()
    while waiting and len(seen) < _MOST_STATES:
        cost, _, pair, done = heapq.heappop(waiting)
        if pair in seen:
            continue
        seen.add(pair)
        if _agrees(pair, of_classes=of_classes):
            yield done
            continue
        for price, which, step in _moves(pair, of_classes=of_classes):
            made = _after(pair, which, step)
            if made is not None and cost + price <= _DEAREST:
                steps = ((*done[0], step), done[1]) if which == 0 else (done[0], (*done[1], step))
                heapq.heappush(waiting, (cost + price, next(count), made, steps))


def _agrees(pair: _Pair, *, of_classes: bool) -> bool:
    outputs, targets = pair.outputs, pair.targets
    if not of_classes or pair.is_float:
        return outputs == targets and pair.is_float
    is_class_axis = len(outputs) > 1 and outputs[1].is_constant and outputs[1] != _ONE
    return is_class_axis and targets == (outputs[0], *outputs[2:])


def _after(pair: _Pair, which: int, step: Step) -> _Pair | None:
    dims = dims_after(step, pair.targets if which else pair.outputs)
    if dims is None or not all(dim.known for dim in dims):
        return None
    if which == 0:
        return _Pair(dims, pair.targets, pair.is_float)
    is_float = step.name == "float" or (pair.is_float and step.name not in ("long", "argmax"))
    return _Pair(pair.outputs, dims, is_float)


def _moves(pair: _Pair, *, of_classes: bool) -> Iterator[tuple[int, int, Step]]:
    """(cost, 0 for outputs or 1 for targets, step) of everything that is worth trying next."""
    for which, dims in enumerate((pair.outputs, pair.targets)):
        for axis, dim in enumerate(dims):
            if dim == _ONE:
                yield 1, which, Step("squeeze", (-1 if axis == len(dims) - 1 else axis,))
        if len(dims) > 1:
            yield 3, which, Step("flatten", (0, 1))
    yield from _moves_of_outputs(pair.outputs, of_classes=of_classes)
    yield from _moves_of_targets(pair, of_classes=of_classes)


def _moves_of_outputs(dims: Dims, *, of_classes: bool) -> Iterator[tuple[int, int, Step]]:
    rank = len(dims)
    if rank == 3:
        yield from ((2, 0, Step("transpose", pair)) for pair in ((1, 2), (0, 1), (0, 2)))
        time = next((axis for axis in (0, 1) if dims[axis].names and "B" not in dims[axis].names), None)
        if time is not None:
            yield 5, 0, index(*(WHOLE,) * time, -1)
            yield 6, 0, Step("mean", (time,))
        if dims[0].names and dims[1].is_constant and dims[1] != _ONE and not (of_classes and dims[2].names):
            yield 7, 0, Step("mean", (1,))
    elif rank == 2:
        yield 3, 0, Step("transpose", (0, 1))
    elif rank > 3:
        yield 2, 0, Step("permute", (0, rank - 1, *range(1, rank - 1)))
        yield 4, 0, Step("flatten", (2, rank - 1))
    if rank == 3:
        yield 4, 0, Step("mean", (-1,))
    if of_classes and rank == 1:
        yield 2, 0, Step("unsqueeze", (0,))


def _moves_of_targets(pair: _Pair, *, of_classes: bool) -> Iterator[tuple[int, int, Step]]:
    outputs, dims = pair.outputs, pair.targets
    yield 2, 1, Step("unsqueeze", (-1,))
    if not dims:
        yield 1, 1, Step("unsqueeze", (0,))
    if len(dims) > 1:
        yield 4, 1, Step("transpose", (0, 1))
    if of_classes:
        if len(dims) == len(outputs) > 1:
            classes = {dim for dim in (outputs[1], outputs[-1]) if dim.is_constant and dim != _ONE}
            yield from ((2, 1, Step("argmax", (axis,))) for axis in {-1, 1 - len(dims)} if dims[axis] in classes)
        if pair.is_float:
            yield 1, 1, Step("long")
        return
    if not pair.is_float:
        yield 1, 1, Step("float")
        if len(outputs) == len(dims) + 1 and outputs[-1].is_constant and outputs[-1] != _ONE:
            yield 2, 1, Step("one_hot", (outputs[-1].offset,))


def is_of_classes(name: str) -> bool:
    """Whether a loss of that name takes class indices."""
    plain = name.lower().replace("_", "")
    return ("crossentropy" in plain and "binary" not in plain and "bce" not in plain) or "nll" in plain
