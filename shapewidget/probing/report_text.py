"""A report as lines of text, each with what it is, so that a terminal can colour it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from shapewidget.diagnosis.findings import Finding, Severity
from shapewidget.graph.batches import timeline
from shapewidget.graph.data_sizes import sized_by_data
from shapewidget.graph.records import Layer, LayerGraph, LayerKind

if TYPE_CHECKING:
    from shapewidget.probing.report import Report

SIGNS = {Severity.MISMATCH: "✕", Severity.COINCIDENCE: "≈", Severity.NOTE: "·"}


class Line(NamedTuple):
    """One line, and what it is: "title", "code", a severity and so on, or "" for running text."""

    text: str
    kind: str = ""


def lines(report: Report) -> Iterator[Line]:
    """The findings, then the graph as an outline; they stand alone in a terminal."""
    yield Line(title(report), "title")
    if report.batches is not None:
        yield Line(timeline(report.batches))
    yield from (Line(note, "remark") for note in report.notes)
    for finding in report.findings:
        yield Line("")
        yield from _finding(finding)
    if report.stopped:
        yield Line("")
        yield Line(f"The run ended early: {report.stopped}", "broken")
    yield Line("")
    yield from _outline(report.graph)
    sizes = ", ".join(f"{name} = {value}" for name, value in report.graph.sizes.items())
    if sizes:
        yield Line(f"with {sizes}", "remark")
    for origin in dict.fromkeys(layer.id for layer in sized_by_data(report.graph).values()):
        yield Line(f"? depends on the data: {_counted(report.graph.by_id[origin])}", "remark")


def _counted(layer: Layer) -> str:
    at = f" at {layer.source}" if layer.source is not None else ""
    return f"`{layer.name}`{at} gives as many rows as the values say"


def title(report: Report) -> str:
    """The model, its device and how many findings there are of each kind."""
    counts = [
        f"{count} {severity.value}{'es' if severity is Severity.MISMATCH and count > 1 else 's' if count > 1 else ''}"
        for severity in Severity
        if (count := sum(finding.severity is severity for finding in report.findings))
    ]
    model = f"{report.graph.title} on {report.device}" if report.device else report.graph.title
    nothing = "nothing was recorded" if report.batches is None and not report.graph.layers else "all shapes agree"
    return f"{model}: {', '.join(counts) or nothing}"


def _finding(finding: Finding) -> Iterator[Line]:
    at = f" at {finding.source}" if finding.source is not None else ""
    yield Line(f"{SIGNS[finding.severity]} {finding.code} {finding.title}{at}", finding.severity.value)
    if finding.source is not None and finding.source.text:
        yield Line(f"      {finding.source.text.strip()}", "code")
    yield Line(f"    {finding.reason}")
    if finding.fix:
        yield Line(f"    {advice(finding)}")
    for line in (finding.patch or "").splitlines():
        yield Line(f"      {line}", {"-": "removed", "+": "added"}.get(line[:1], "remark"))


def advice(finding: Finding) -> str:
    """The fix, and whether it was run; of a note that needs none, what can be done all the same."""
    if finding.verified:
        return f"Fix (run, and it holds): {finding.fix}"
    return f"{'Remark' if finding.severity is Severity.NOTE else 'Fix (not verified)'}: {finding.fix}"


def _outline(graph: LayerGraph) -> Iterator[Line]:
    worst = {edge.target: edge for edge in graph.edges if edge.badge}
    depth: dict[str | None, int] = {None: 0}
    rows = []
    for layer in graph.layers:
        level = depth[layer.id] = depth.get(layer.parent, 0) + 1
        edge = worst.get(layer.id)
        rows.append(("  " * level + _name(layer), _shapes(layer), f"  <- {edge.badge}" if edge is not None else ""))
    width = min(max((len(name) for name, _, _ in rows), default=0), 48)
    for name, shapes, badge in rows:
        yield Line(f"{name:<{width}}  {shapes}{badge}".rstrip(), "broken" if badge else "")


def _name(layer: Layer) -> str:
    return layer.name if layer.name == layer.type or layer.kind is LayerKind.INPUT else f"{layer.name} {layer.type}"


def _shapes(layer: Layer) -> str:
    if layer.kind is LayerKind.GROUP:
        return ""
    return ", ".join(map(str, layer.outputs or layer.inputs))
