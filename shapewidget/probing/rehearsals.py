"""The models of a watched block, probed with what it first called them with.

One run of a block shows numbers. A probe of its models tells what the numbers are made of, which samples mix, and
whether a fix holds at other sizes too.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from shapewidget.diagnosis.findings import Finding, Severity
from shapewidget.frameworks.adapter import Watch
from shapewidget.graph.dims import Dim, constant
from shapewidget.graph.records import Layer, LayerGraph, LayerKind, TensorSpec
from shapewidget.probing.report import Report
from shapewidget.probing.session import Session

Dims = tuple[Dim, ...] | None

_MOST = 4
"""How many models of a block are probed."""

_IN_QUESTION = "SW504"

_SECONDS = 2.0
"""How long one call of a model may take; a slower one is not made again."""


class Rehearsal(NamedTuple):
    """The probe of one model.

    Attributes:
        path: What the block calls the model.
        report: What the probe found.
        has_loss: Whether the loss was known, and with it targets, which confirm what is a sample.
    """

    path: str
    report: Report
    has_loss: bool

    def id_of(self, layer: Layer) -> str:
        """The id that a node of the probe has in the block."""
        is_function = layer.kind is LayerKind.OPERATION and layer.parent is None
        return f"{self.path}{'/' if is_function else '.'}{layer.id}"


def rehearsals(watch: Watch) -> Iterator[Rehearsal]:
    """Probe the models, which are left as they are; what they print is not shown, and what fails is left out."""
    for called in watch.models()[:_MOST]:
        with contextlib.suppress(Exception), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            report = Session(
                called.model, called.inputs, targets=called.targets, loss=called.loss, time_limit=_SECONDS
            ).report
            if report.stopped is None and _is_of_samples(report):
                yield Rehearsal(called.path, report, called.loss is not None)


def _is_of_samples(report: Report) -> bool:
    """Whether nothing speaks against the first axis being the batch, as a probe takes it that is told nothing."""
    results = [spec for it in report.graph.layers if it.kind is LayerKind.OUTPUT for spec in it.inputs]
    is_kept = any("B" in dim.names for spec in results for dim in spec.dims or ())
    return is_kept and all(it.severity is not Severity.MISMATCH and it.code != _IN_QUESTION for it in report.findings)


def with_probed(found: Sequence[Finding], graph: LayerGraph, probed: Sequence[Rehearsal]) -> list[Finding]:
    """The findings of a block, with the fixes that held in a probe, and with the silent mistakes that one found."""
    result = list(found)
    for rehearsal in probed:
        ids = {layer.id: rehearsal.id_of(layer) for layer in rehearsal.report.graph.layers}
        for each in rehearsal.report.findings:
            id_ = ids.get(each.layer_id, "")
            same = next((it for it in result if _is_same(it, each, id_)), None)
            if same is not None and each.verified and not same.verified:
                fixed = replace(same, fix=each.fix, patch=each.patch, source=each.source, verified=True)
                result[result.index(same)] = fixed
            is_told = same is not None or any(it.layer_id == id_ for it in result)
            if not is_told and rehearsal.has_loss and each.severity is Severity.COINCIDENCE and id_ in graph.by_id:
                result.append(_of_block(each, id_, rehearsal.path))
    return result


def _is_same(one: Finding, probed: Finding, id_: str) -> bool:
    return one.code == probed.code and (one.layer_id == id_ or (one.source is not None and one.source == probed.source))


def _of_block(finding: Finding, id_: str, path: str) -> Finding:
    """A finding of a probe in the names of the block."""
    scope = f"{path}.{finding.scope}" if finding.scope else path
    if finding.where == "function":
        return replace(finding, layer_id=id_, scope=scope)
    return replace(finding, layer_id=id_, layer=f"{path}.{finding.layer}")


def with_sizes(graph: LayerGraph, probed: Sequence[Rehearsal]) -> LayerGraph:
    """The graph of a block with the axes that probes of its models solved.

    Two models may mean different sizes by one name. Then it is the first one's, and the other keeps its numbers.
    """
    sizes = {name: size for rehearsal in reversed(probed) for name, size in rehearsal.report.graph.sizes.items()}
    known = {key: layer for rehearsal in reversed(probed) for key, layer in _nodes(rehearsal)}
    solved: dict[tuple[str, int], Dims] = {}
    layers = {}
    for layer in graph.layers:
        other = known.get(layer.id) or known.get(_line(layer))
        dims = _dims(layer.inputs, other.inputs if other is not None else (), sizes)
        for edge in graph.into(layer.id):
            if edge.input < len(dims):
                tensor = edge.source, edge.output
                dims[edge.input] = solved[tensor] = dims[edge.input] or solved.get(tensor)
        for place, found in enumerate(_dims(layer.outputs, other.outputs if other is not None else (), sizes)):
            solved[layer.id, place] = found
        layers[layer.id] = replace(layer, inputs=_with_dims(layer.inputs, dims))
    given = {id_: [solved.get((id_, place)) for place in range(len(layer.outputs))] for id_, layer in layers.items()}
    named = (replace(layer, outputs=_with_dims(layer.outputs, given[id_])) for id_, layer in layers.items())
    return replace(graph, layers=tuple(named), sizes=sizes)


def _nodes(rehearsal: Rehearsal) -> Iterator[tuple[object, Layer]]:
    """The nodes of a probe by their ids in the block; those of the loss by their lines, and the model by its path."""
    layers = rehearsal.report.graph.layers
    given = [spec for it in layers if it.kind is LayerKind.INPUT and it.name != "targets" for spec in it.outputs]
    for layer in layers:
        if layer.kind is LayerKind.OUTPUT:
            yield rehearsal.path, replace(layer, inputs=tuple(given), outputs=layer.inputs)
        elif layer.kind is LayerKind.LOSS or layer.id.startswith("loss/"):
            yield _line(layer), layer
        else:
            yield rehearsal.id_of(layer), layer


def _line(layer: Layer) -> object:
    return layer.type, layer.source, tuple(spec.shape for spec in layer.inputs)


def _dims(specs: Sequence[TensorSpec], probed: Sequence[TensorSpec], sizes: Mapping[str, int]) -> list[Dims]:
    """The axes of every tensor, as a probe solved them; what it did not solve, or solved otherwise, is left open."""
    pairs = itertools.zip_longest(specs, probed[: len(specs)])
    return [_solved(other, sizes) if other is not None and other.shape == spec.shape else None for spec, other in pairs]


def _solved(spec: TensorSpec, sizes: Mapping[str, int]) -> Dims:
    """The axes of a tensor of a probe, numbers where they are not known; None where the block has other sizes."""
    dims = [dim if dim.known else constant(size) for dim, size in zip(spec.dims or (), spec.shape, strict=False)]
    comes_to = tuple(dim.at(sizes) for dim in dims)
    return tuple(dims) if spec.dims is not None and comes_to == spec.shape else None


def _with_dims(specs: Sequence[TensorSpec], dims: Sequence[Dims]) -> tuple[TensorSpec, ...]:
    pairs = zip(specs, dims, strict=True)
    return tuple(
        replace(spec, dims=known) if known and len(known) == len(spec.shape) else spec for spec, known in pairs
    )
