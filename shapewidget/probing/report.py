"""What a probe found, for a person, a terminal, a test or another program."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapewidget.diagnosis.findings import Finding, Severity
from shapewidget.errors import FindingsError
from shapewidget.graph.batches import timeline
from shapewidget.graph.dims import Dim
from shapewidget.graph.records import Layer, LayerGraph, LayerKind
from shapewidget.probing.timeline import Timeline

if TYPE_CHECKING:
    from shapewidget.notebook.dashboard import Dashboard
    from shapewidget.notebook.report_view import ReportView
    from shapewidget.probing.session import Session

_SIGNS = {Severity.MISMATCH: "✕", Severity.COINCIDENCE: "≈", Severity.NOTE: "·"}


@dataclass(eq=False)
class Report:
    """The findings and the graph of one probe, or of a captured block once it has ended.

    Attributes:
        findings: The most serious first.
        graph: The layer graph, its edges coloured and its axes solved where they could be.
        framework: "torch" or "keras".
        device: Where it was probed.
        notes: What a reader has to know, a sentence each: how the probe batch was made, what could not be varied.
        meanings: What the named sizes mean.
        stopped: The error that ended the run, None if it ran through, repairs included.
        batches: The batches of a loader, where one was checked.
        session: What can probe again at other sizes; None in a report that was read back.
    """

    findings: tuple[Finding, ...]
    graph: LayerGraph
    framework: str = ""
    device: str = ""
    notes: tuple[str, ...] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)
    stopped: str | None = None
    batches: Timeline | None = None
    session: Session | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether nothing above a note was found."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)

    def __str__(self) -> str:
        """Plain text that stands alone in a terminal: the findings, then the graph as an outline."""
        return "\n".join(_text(self))

    def _repr_html_(self) -> str:
        from shapewidget.notebook import static

        return static.html(self)

    def save_html(self, path: str | PathLike[str]) -> Path:
        """Write the graph and the findings to one HTML file, interactive without a kernel or a network.

        Returns:
            The path of the file.
        """
        from shapewidget.notebook import page

        return page.save(path, self)

    def to_json(self) -> str:
        """The report as JSON; symbols are written as text."""
        plain = {
            "framework": self.framework,
            "device": self.device,
            "title": self.graph.title,
            "sizes": dict(self.graph.sizes),
            "notes": list(self.notes),
            "stopped": self.stopped,
            "findings": [_plain(finding) for finding in self.findings],
            "layers": [_plain(layer) for layer in self.graph.layers],
            "edges": [_plain(edge) for edge in self.graph.edges],
            "batches": _plain(self.batches),
        }
        return json.dumps(plain, ensure_ascii=False, default=str)

    def raise_for_findings(self) -> None:
        """Raise if anything above a note was found; for a test suite.

        Raises:
            FindingsError: Its text is the report's.
        """
        if not self.ok:
            raise FindingsError(str(self))

    def show(self) -> Dashboard | ReportView:
        """Open what shows it in a notebook.

        Returns:
            For a probe the dashboard, whose sliders run the model again. For captured code, which is not ours to run
            again, the graph and the findings.
        """
        if self.session is None:
            from shapewidget.notebook.report_view import ReportView

            return ReportView(self)
        from shapewidget.notebook.dashboard import Dashboard

        return Dashboard(self.session)


def _plain(value: Any) -> Any:
    if isinstance(value, Dim):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str | type(None)) else str(value)


def _text(report: Report) -> Iterator[str]:
    counts = [
        f"{count} {severity.value}{'es' if severity is Severity.MISMATCH and count > 1 else 's' if count > 1 else ''}"
        for severity in Severity
        if (count := sum(finding.severity is severity for finding in report.findings))
    ]
    title = f"{report.graph.title} on {report.device}" if report.device else report.graph.title
    nothing = "nothing was recorded" if report.batches is None and not report.graph.layers else "all shapes agree"
    yield f"{title}: {', '.join(counts) or nothing}"
    if report.batches is not None:
        yield timeline(report.batches)
    yield from report.notes
    for finding in report.findings:
        yield ""
        yield from _finding_text(finding)
    if report.stopped:
        yield ""
        yield f"The run ended early: {report.stopped}"
    yield ""
    yield from _outline(report.graph)
    sizes = ", ".join(f"{name} = {value}" for name, value in report.graph.sizes.items())
    if sizes:
        yield f"with {sizes}"


def _finding_text(finding: Finding) -> Iterator[str]:
    at = f" at {finding.source}" if finding.source is not None else ""
    yield f"{_SIGNS[finding.severity]} {finding.code} {finding.title}{at}"
    if finding.source is not None and finding.source.text:
        yield f"      {finding.source.text.strip()}"
    yield f"    {finding.reason}"
    if finding.fix:
        yield f"    Fix ({'run, and it holds' if finding.verified else 'not verified'}): {finding.fix}"
    if finding.patch:
        yield from (f"      {line}" for line in finding.patch.splitlines())


def _outline(graph: LayerGraph) -> Iterator[str]:
    worst = {edge.target: edge for edge in graph.edges if edge.badge}
    depth: dict[str | None, int] = {None: 0}
    rows = []
    for layer in graph.layers:
        level = depth[layer.id] = depth.get(layer.parent, 0) + 1
        edge = worst.get(layer.id)
        rows.append(("  " * level + _name(layer), _shapes(layer), f"  <- {edge.badge}" if edge is not None else ""))
    width = min(max((len(name) for name, _, _ in rows), default=0), 48)
    for name, shapes, badge in rows:
        yield f"{name:<{width}}  {shapes}{badge}".rstrip()


def _name(layer: Layer) -> str:
    return layer.name if layer.name == layer.type or layer.kind is LayerKind.INPUT else f"{layer.name} {layer.type}"


def _shapes(layer: Layer) -> str:
    if layer.kind is LayerKind.GROUP:
        return ""
    return ", ".join(map(str, layer.outputs or layer.inputs))
