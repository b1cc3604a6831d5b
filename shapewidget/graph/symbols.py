"""Several recorded runs at different sizes, read together: every axis becomes an expression of the named sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from shapewidget.graph.dims import Dim, constant, product, solve
from shapewidget.graph.records import Declared, Layer, LayerGraph, Recording, TensorSpec

Runs = Sequence[tuple[Mapping[str, int], Layer]]


def with_symbols(recordings: Sequence[Recording]) -> LayerGraph:
    """The graph of the first recording, its axes solved from all of them.

    Layers are matched by their id. A layer that another run did not reach, or reached with tensors of another rank,
    keeps its numbers.

    Args:
        recordings: The user's own run first, then runs of the same program at other sizes.
    """
    first = recordings[0]
    others = [(recording.sizes, recording.graph.by_id) for recording in recordings[1:]]
    dims_of: dict[tuple[str, int], tuple[Dim, ...]] = {}
    layers = []
    for layer in first.graph.layers:
        runs: list[tuple[Mapping[str, int], Layer]] = [(first.sizes, layer)]
        runs += [(sizes, by_id[layer.id]) for sizes, by_id in others if layer.id in by_id]
        sources = [dims_of.get((edge.source, edge.output), ()) for edge in first.graph.into(layer.id)]
        solved = _solved(layer, runs, sources)
        for place, spec in enumerate(solved.outputs):
            if spec.dims is not None:
                dims_of[solved.id, place] = spec.dims
        layers.append(solved)
    return replace(first.graph, layers=tuple(layers), sizes=first.sizes)


def _solved(layer: Layer, runs: Runs, sources: Sequence[tuple[Dim, ...]]) -> Layer:
    if len(runs) < 2:
        return layer
    declared = tuple(_declared(place, layer.declared[place], runs) for place in range(len(layer.declared)))
    hints = [dim for dims in sources for dim in dims]
    hints += [product(dims[place : place + 2]) for dims in sources for place in range(len(dims) - 1)]
    hints += [size.dim for size in declared if size.dim is not None]
    inputs = _specs(layer.inputs, runs, lambda other: other.inputs, hints)
    outputs = _specs(layer.outputs, runs, lambda other: other.outputs, hints)
    return replace(layer, declared=declared, inputs=inputs, outputs=outputs)


def _declared(place: int, declared: Declared, runs: Runs) -> Declared:
    observations = [(sizes, layer.declared[place].size) for sizes, layer in runs if len(layer.declared) > place]
    dim = solve(observations)
    return replace(declared, dim=dim if dim.known else constant(declared.size))


def _specs(
    specs: tuple[TensorSpec, ...], runs: Runs, of: Callable[[Layer], tuple[TensorSpec, ...]], hints: Sequence[Dim]
) -> tuple[TensorSpec, ...]:
    return tuple(
        _spec(spec, [(sizes, of(layer)) for sizes, layer in runs], place, hints) for place, spec in enumerate(specs)
    )


def _spec(
    spec: TensorSpec, runs: Sequence[tuple[Mapping[str, int], tuple[TensorSpec, ...]]], place: int, hints: Sequence[Dim]
) -> TensorSpec:
    shapes = [(sizes, specs[place].shape) for sizes, specs in runs if place < len(specs)]
    if len(shapes) < 2 or any(len(shape) != len(spec.shape) for _, shape in shapes):
        return spec
    dims = tuple(solve([(sizes, shape[axis]) for sizes, shape in shapes], hints) for axis in range(len(spec.shape)))
    return replace(spec, dims=dims)
