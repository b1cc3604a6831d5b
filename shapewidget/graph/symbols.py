"""Several recorded runs at different sizes, read together: every axis becomes an expression of the named sizes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from shapewidget.graph.data_sizes import counts_values
from shapewidget.graph.dims import UNKNOWN, Dim, constant, product, solve
from shapewidget.graph.records import Declared, Layer, LayerGraph, Recording, TensorSpec

Runs = Sequence[tuple[Mapping[str, int], Layer]]


def with_symbols(recordings: Sequence[Recording]) -> LayerGraph:
    """The graph of the first recording, its axes solved from all of them.

    Layers are matched by their id. A layer that another run did not reach, or reached with tensors of another rank,
    keeps its numbers. A size that the data decides is not known, even where some expression happens to fit it.

    Args:
        recordings: The user's own run first, then runs of the same program at other sizes.
    """
    first = recordings[0]
    others = [(recording.sizes, recording.graph.by_id) for recording in recordings[1:]]
    dims_of: dict[tuple[str, int], tuple[Dim, ...]] = {}
    counted: set[tuple[int, ...]] = set()
    layers = []
    for layer in first.graph.layers:
        runs: list[tuple[Mapping[str, int], Layer]] = [(first.sizes, layer)]
        runs += [(sizes, by_id[layer.id]) for sizes, by_id in others if layer.id in by_id]
        sources = [dims_of.get((edge.source, edge.output), ()) for edge in first.graph.into(layer.id)]
        solved = _solved(layer, runs, sources, counted)
        for place, spec in enumerate(solved.outputs):
            if spec.dims is not None:
                dims_of[solved.id, place] = spec.dims
        layers.append(solved)
    return replace(first.graph, layers=tuple(layers), sizes=first.sizes)


def _solved(layer: Layer, runs: Runs, sources: Sequence[tuple[Dim, ...]], counted: set[tuple[int, ...]]) -> Layer:
    """The layer with its axes solved; the sizes that it counts are noted by what they are in every run."""
    if len(runs) < 2:
        return layer
    declared = tuple(_declared(place, layer.declared[place], runs) for place in range(len(layer.declared)))
    hints = [dim for dims in sources for dim in dims]
    hints += [merged for dims in sources for merged in _merged(dims)]
    hints += [size.dim for size in declared if size.dim is not None]
    inputs = _specs(layer.inputs, runs, lambda other: other.inputs, hints, counted)
    if counts_values(layer):
        for sizes, shape in _axes(layer.outputs, [(sizes, other.outputs) for sizes, other in runs]):
            if len(set(shape)) > 1 and not any(_fits(hint, sizes, shape) for hint in hints):
                counted.add(shape)
    outputs = _specs(layer.outputs, runs, lambda other: other.outputs, hints, counted)
    return replace(layer, declared=declared, inputs=inputs, outputs=outputs)


def _merged(dims: Sequence[Dim]) -> Iterator[Dim]:
    """What neighbouring axes come to when a reshape makes one of them."""
    ends = itertools.combinations(range(len(dims) + 1), 2)
    return (product(dims[start:end]) for start, end in ends if end - start > 1)


def _declared(place: int, declared: Declared, runs: Runs) -> Declared:
    observations = [(sizes, layer.declared[place].size) for sizes, layer in runs if len(layer.declared) > place]
    dim = solve(observations)
    return replace(declared, dim=dim if dim.known else constant(declared.size))


def _fits(hint: Dim, sizes: Sequence[Mapping[str, int]], seen: tuple[int, ...]) -> bool:
    return hint.known and all(hint.at(each) == size for each, size in zip(sizes, seen, strict=True))


Specs = Sequence[tuple[Mapping[str, int], tuple[TensorSpec, ...]]]


def _axes(
    specs: tuple[TensorSpec, ...], runs: Specs
) -> Iterator[tuple[tuple[Mapping[str, int], ...], tuple[int, ...]]]:
    """The sizes of every axis of every tensor in all runs, beside the named sizes of those."""
    for place, spec in enumerate(specs):
        shapes = [(sizes, other[place].shape) for sizes, other in runs if place < len(other)]
        if all(len(shape) == len(spec.shape) for _, shape in shapes):
            for axis in range(len(spec.shape)):
                yield tuple(sizes for sizes, _ in shapes), tuple(shape[axis] for _, shape in shapes)


def _specs(
    specs: tuple[TensorSpec, ...],
    runs: Runs,
    of: Callable[[Layer], tuple[TensorSpec, ...]],
    hints: Sequence[Dim],
    counted: set[tuple[int, ...]],
) -> tuple[TensorSpec, ...]:
    others = [(sizes, of(layer)) for sizes, layer in runs]
    return tuple(_spec(spec, others, place, hints, counted) for place, spec in enumerate(specs))


def _spec(spec: TensorSpec, runs: Specs, place: int, hints: Sequence[Dim], counted: set[tuple[int, ...]]) -> TensorSpec:
    shapes = [(sizes, specs[place].shape) for sizes, specs in runs if place < len(specs)]
    if len(shapes) < 2 or any(len(shape) != len(spec.shape) for _, shape in shapes):
        return spec
    dims = tuple(
        UNKNOWN
        if tuple(shape[axis] for _, shape in shapes) in counted
        else solve([(sizes, shape[axis]) for sizes, shape in shapes], hints)
        for axis in range(len(spec.shape))
    )
    return replace(spec, dims=dims)
