"""A report in a cell: its graph and findings, and a page of the same for where no kernel runs."""

from __future__ import annotations

from typing import Any

import ipywidgets
from IPython.display import display

from shapewidget.notebook import static
from shapewidget.notebook.cells import CELLS
from shapewidget.notebook.graph_view import GraphView
from shapewidget.probing.report import Report


class ReportView(GraphView):
    """The graph of a report whose code cannot be run again: no sizes to move, nothing to measure.

    Args:
        report: Of a captured block of code, of an error, or of batches.
    """

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report
        self.show(report)

    def _ipython_display_(self, **_: object) -> None:
        display_widget(self, self, self.report)


def display_widget(widget: ipywidgets.DOMWidget, view: GraphView, report: Report) -> None:
    """Show a widget under the running cell, with the report as a page and as text beside it.

    What an earlier run of the cell showed is closed; `view`, its graph, looks at the new one as that did.

    It is one path for ipywidgets 7 and 8, and the kind of message that Colab's hook completes.
    """
    CELLS.show(widget, view)
    bundle: dict[str, Any] = {"text/html": static.html(report), "text/plain": static.text(report)}
    if widget.comm is not None:
        bundle["application/vnd.jupyter.widget-view+json"] = {
            "version_major": 2,
            "version_minor": 0,
            "model_id": widget.model_id,
        }
    display(bundle, raw=True)
