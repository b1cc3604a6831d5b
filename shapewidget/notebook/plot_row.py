"""The memory and timing plots side by side, or in their place why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import ipywidgets

from shapewidget.diagnosis.findings import Severity
from shapewidget.graph.costs import Measurement
from shapewidget.notebook.plot_view import PlotView
from shapewidget.probing.report_text import place

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from shapewidget.probing.report import Report


class PlotRow(ipywidgets.HBox):
    """Shows two figures, or a sentence.

    Attributes:
        memory: The left plot.
        timing: The right plot.
        note: The sentence; hidden while the plots are shown.
    """

    def __init__(self) -> None:
        beside = {"flex": "1 1 380px", "min_width": "0"}
        self.memory, self.timing = PlotView(label="Memory", layout=beside), PlotView(label="Time", layout=beside)
        self.note = ipywidgets.HTML(layout={"display": "none"})
        super().__init__([self.memory, self.timing, self.note], layout={"flex_flow": "row wrap"})

    def show(self, memory: Figure, timing: Figure) -> None:
        """Show the plots."""
        self._only(self.memory, self.timing)
        self.memory.show(memory)
        self.timing.show(timing)

    def say(self, sentence: str) -> None:
        """Show a sentence in their place."""
        self.note.value = f"<span>{escape(sentence, quote=False)}</span>"
        self._only(self.note)

    def _only(self, *shown: ipywidgets.DOMWidget) -> None:
        for child in self.children:
            child.layout.display = "" if child in shown else "none"


def obstacle(points: Sequence[Measurement], report: Report) -> str:
    """What keeps a model from being measured, and has to be mended first; empty where some point was measured.

    Args:
        points: What was tried.
        report: What is known of the model.
    """
    if not points or not all(point.refusal and point.fits and point.memory is None for point in points):
        return ""
    first = next((each for each in report.findings if each.severity is Severity.MISMATCH), None)
    if first is None:
        return f"There is no memory or time to plot. {points[-1].refusal}"
    line = f" ({first.source})" if first.source else ""
    return (
        "There is no memory or time to plot, as the model does not run."
        f" Mend this first: {place(first)}: {first.title[0].lower()}{first.title[1:]}{line}."
    )
