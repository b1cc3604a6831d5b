"""The colour of every edge: how the tensor on it meets what its consumer takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from shapewidget.diagnosis.findings import Finding, Severity
from shapewidget.graph.records import Agreement, Clash, ClashKind, Edge, LayerGraph


def coloured(graph: LayerGraph, clashes: Iterable[Clash], findings: Iterable[Finding]) -> LayerGraph:
    """The graph with the state of every edge, the clash in a few characters, and what lies behind a repair.

    Args:
        graph: The user's run, its axes solved where they could be.
        clashes: Where it was refused.
        findings: What was said about it; those of the run at other sizes are coincidences.
    """
    clash_of = {(clash.layer_id, clash.input): clash for clash in reversed(list(clashes))}
    suspects = {(finding.layer_id, finding.input): finding for finding in findings if _is_of_the_edge(finding)}
    behind = _behind(graph, {layer_id for layer_id, _ in clash_of})
    return replace(
        graph, edges=tuple(_coloured(graph, edge, clash_of, suspects, edge.source in behind) for edge in graph.edges)
    )


def _is_of_the_edge(finding: Finding) -> bool:
    """A note is on what may come; of the notes only that on a coincidence is on the tensors of this run."""
    return finding.severity is not Severity.NOTE or finding.code == "SW501"


def _behind(graph: LayerGraph, refused: set[str]) -> set[str]:
    """The nodes that refused something, and all that read what came out of them."""
    behind = set(refused)
    for layer in graph.layers:
        if any(edge.source in behind for edge in graph.into(layer.id)):
            behind.add(layer.id)
    return behind


def _coloured(
    graph: LayerGraph,
    edge: Edge,
    clash_of: dict[tuple[str, int], Clash],
    suspects: dict[tuple[str, int], Finding],
    assumed: bool,
) -> Edge:
    place = (edge.target, edge.input)
    if edge.state is Agreement.UNREACHED:
        return edge
    if place in clash_of:
        clash = clash_of[place]
        return replace(
            edge, state=Agreement.MISMATCH, badge=_badge(graph, edge, clash), axis=clash.axis, assumed=assumed
        )
    if place in suspects:
        finding = suspects[place]
        badge = f"{finding.got} = {finding.expected}" if finding.code == "SW501" else finding.axis_name
        return replace(edge, state=Agreement.COINCIDENCE, badge=badge, axis=finding.axis, assumed=assumed)
    return replace(edge, assumed=assumed)


def _badge(graph: LayerGraph, edge: Edge, clash: Clash) -> str:
    if clash.kind in (ClashKind.MEMORY, ClashKind.TIME):
        return f"out of {clash.kind}"
    if clash.expected is None:
        return "raised"
    spec = graph.by_id[edge.target].inputs[edge.input]
    dims = spec.dims
    if clash.axis is not None and dims is not None and dims[clash.axis].known and not dims[clash.axis].is_constant:
        return f"{dims[clash.axis]} = {clash.got} ≠ {clash.expected}"
    return f"{clash.got} ≠ {clash.expected}"
