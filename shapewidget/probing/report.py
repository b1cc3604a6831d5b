"""What a probe found, for a person, a terminal, a test or another program."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapewidget.diagnosis.findings import Finding, Severity
from shapewidget.errors import FindingsError
from shapewidget.graph.dims import Dim
from shapewidget.graph.records import LayerGraph
from shapewidget.probing import report_text
from shapewidget.probing.timeline import Timeline

if TYPE_CHECKING:
    from shapewidget.notebook.dashboard import Dashboard
    from shapewidget.notebook.report_view import ReportView
    from shapewidget.probing.session import Session


@dataclass(eq=False, repr=False)
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
    session: Session | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing above a note was found."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)

    def __str__(self) -> str:
        """Plain text that stands alone in a terminal: the findings, then the graph as an outline."""
        return "\n".join(line.text for line in report_text.lines(self))

    def __repr__(self) -> str:
        return f"<Report of {report_text.title(self)}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What IPython prints: coloured in a terminal that has rich, plain in a notebook."""
        from shapewidget.notebook import terminal

        printer.text(terminal.printed(self))

    def __rich__(self) -> Any:
        from shapewidget.notebook import terminal

        return terminal.coloured(self)

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
