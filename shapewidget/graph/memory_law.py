"""The memory of a run at any sizes, from the timelines of a few.

Every operation's bytes are a polynomial of the sizes. Added up along the timeline they give what is there before and
at the height of every operation; the peak is the largest of these sums, which is another one at other sizes. Where
runs differ in their operations, as a loop over time does, what they share is kept, and what lies between is cut into
a few parts of equal length.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from shapewidget.graph.costs import Measurement, Memory, Segment, Timeline, peak_of
from shapewidget.graph.polynomials import (
    SLACK_BYTES,
    SLACK_BYTES_OF_GPU,
    Basis,
    Coefficients,
    Sizes,
    byte_terms,
    grid,
)

_PARTS = 8
"""Into how many parts a loop is cut."""

_A_SLICE = 16
"""How many operations are fitted in one slice."""

_RANGES = (1, 4, 16, 64)
"""How far from the smallest run sums are compared, to keep those only that are the largest somewhere."""


@dataclass(frozen=True)
class MemoryLaw:
    """Bytes as a function of the sizes.

    Attributes:
        basis: The terms of all the polynomials below.
        parameters: Weights and buffers.
        gradients: Of the trainable ones.
        optimizer_state: What the optimiser keeps.
        inputs: Inputs and targets.
        kept: Tensors kept for the backward pass.
        forward: Sums along a forward pass; the largest is its peak.
        step: The same along a training step.
        is_estimate: Whether the runs were not measured either; see `Memory`.
    """

    basis: Basis
    parameters: Coefficients
    gradients: Coefficients
    optimizer_state: Coefficients
    inputs: Coefficients
    kept: Coefficients
    forward: tuple[Coefficients, ...]
    step: tuple[Coefficients, ...]
    is_estimate: bool = False

    def at(self, sizes: Sizes) -> Memory:
        """The bytes at these sizes, before anything is set right by measured ones."""
        row = self.basis.row(sizes)
        parameters, gradients, state, inputs, kept = (
            _value(part, row)
            for part in (self.parameters, self.gradients, self.optimizer_state, self.inputs, self.kept)
        )
        beyond = max(0, max((_value(sums, row) for sums in self.step), default=0) - gradients)
        forward = max((_value(sums, row) for sums in self.forward), default=0)
        return Memory(
            parameters,
            gradients,
            state,
            inputs + min(kept, beyond),
            parameters + inputs + forward,
            how="Predicted from runs at other sizes.",
            workspace=max(0, beyond - kept),
            inputs=inputs,
            is_estimate=self.is_estimate,
        )


def fitting_memory(
    points: Sequence[Measurement], names: Sequence[str], bends: Sequence[tuple[str, int]] = ()
) -> Generator[None, None, MemoryLaw | None]:
    """Fit the law that a few measured runs follow, some operations a slice.

    Args:
        points: Those without a timeline do not count.
        names: The sizes that differ between them.
        bends: See `Basis`.

    Returns:
        None where no run tells its bytes.
    """
    runs = [point for point in points if point.memory is not None and point.forward_timeline]
    trained = [point for point in runs if point.step_timeline]
    runs = trained or runs
    if not runs:
        return None
    slack = SLACK_BYTES_OF_GPU if runs[0].device.startswith("cuda") else SLACK_BYTES
    basis = Basis(tuple(names), byte_terms(names), tuple(point.sizes for point in runs), tuple(bends), slack)
    memories = [point.memory for point in runs if point.memory is not None]
    return MemoryLaw(
        basis,
        basis.fit([memory.parameters for memory in memories]),
        basis.fit([memory.gradients for memory in memories]),
        basis.fit([memory.optimizer_state for memory in memories]),
        basis.fit([memory.inputs for memory in memories]),
        basis.fit([memory.activations - memory.inputs for memory in memories]),
        (yield from _sums(basis, [point.forward_timeline for point in runs])),
        (yield from _sums(basis, [point.step_timeline for point in runs])) if trained else (),
        any(memory.is_estimate for memory in memories),
    )


def _value(coefficients: Coefficients, row: Sequence[int]) -> int:
    return max(0, round(sum(map(float.__mul__, coefficients, map(float, row)))))


def _sums(basis: Basis, timelines: Sequence[Timeline]) -> Generator[None, None, tuple[Coefficients, ...]]:
    """The polynomial of the running sum at the height of every operation, those only that are ever the largest."""
    fitted: dict[tuple[int, ...], Coefficients] = {}

    def fit(values: tuple[int, ...]) -> Coefficients:
        if values not in fitted:
            fitted[values] = basis.fit(values)
        return fitted[values]

    live: Coefficients = (0.0,) * basis.width
    sums: dict[Coefficients, None] = {}
    for number, segments in enumerate(zip(*aligned(timelines), strict=True), start=1):
        height = _plus(live, fit(tuple(segment.peak for segment in segments)))
        sums[height] = None
        live = _plus(live, fit(tuple(segment.net for segment in segments)))
        if not number % _A_SLICE:
            yield
    return _ever_largest(basis, list(sums))


def _plus(one: Coefficients, two: Coefficients) -> Coefficients:
    return tuple(map(float.__add__, one, two))


def _ever_largest(basis: Basis, sums: Sequence[Coefficients]) -> tuple[Coefficients, ...]:
    smallest = {name: min(run[name] for run in basis.runs) for name in basis.names}
    ranges = {name: [size * factor for factor in _RANGES] for name, size in smallest.items()}
    rows = [basis.row(sizes) for sizes in (*grid(basis.names, ranges), *basis.runs)]
    kept = {max(sums, key=lambda coefficients: _value(coefficients, row)): None for row in rows} if sums else {}
    return tuple(kept)


def aligned(timelines: Sequence[Timeline]) -> list[Timeline]:
    """The timelines with as many operations in each; what they do not share, as a loop, is cut into equal parts."""
    names = [[segment.name for segment in timeline] for timeline in timelines]
    if all(other == names[0] for other in names):
        return list(timelines)
    places = _landmarks(names)
    ends = [len(timeline) for timeline in timelines]
    result: list[list[Segment]] = [[] for _ in timelines]
    starts = [0] * len(timelines)
    for stops in (*places, ends):
        lengths = list(map(int.__sub__, stops, starts))
        parts = _PARTS if min(lengths) >= _PARTS else min(1, max(lengths))
        for timeline, done, start, stop in zip(timelines, result, starts, stops, strict=True):
            borders = [start + (stop - start) * part // max(1, parts) for part in range(parts + 1)]
            done += [_as_one(timeline[one:two]) for one, two in itertools.pairwise(borders)]
            done += timeline[stop : stop + 1]
        starts = [stop + 1 for stop in stops]
    return [tuple(done) for done in result]


def _landmarks(names: Sequence[Sequence[str]]) -> list[list[int]]:
    """Where the operations stand that all runs have as often and in one order: of every one its place in every run.

    Without such an order, only what all start with.
    """
    counts = [Counter(run) for run in names]
    steady = {name for name, count in counts[0].items() if all(other[name] == count for other in counts)}
    kept = [[place for place, name in enumerate(run) if name in steady] for run in names]
    orders = [[run[place] for place in places] for run, places in zip(names, kept, strict=True)]
    if any(order != orders[0] for order in orders):
        columns = enumerate(zip(*names, strict=False))
        shared = next((place for place, column in columns if len(set(column)) > 1), min(map(len, names)))
        return [[place] * len(names) for place in range(shared)]
    return [list(places) for places in zip(*kept, strict=True)]


def _as_one(segments: Timeline) -> Segment:
    return Segment("part of a loop", sum(segment.net for segment in segments), peak_of(segments))
