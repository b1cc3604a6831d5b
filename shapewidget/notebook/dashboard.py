"""The dashboard under a cell: the graph, a control for every size, and the memory and timing plots."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import ipywidgets
from IPython import get_ipython

from shapewidget.errors import Cancelled, ShapeWidgetError
from shapewidget.graph.costs import Measurement
from shapewidget.notebook import plots
from shapewidget.notebook.controls import Progress, SizeInput, close_all
from shapewidget.notebook.graph_view import READY, GraphView
from shapewidget.notebook.plot_view import PlotView
from shapewidget.notebook.points import Points
from shapewidget.notebook.report_view import display_widget
from shapewidget.notebook.scheduler import Scheduler
from shapewidget.probing.report import Report
from shapewidget.probing.session import Session

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Sizes = dict[str, int]
Slices = Generator[float, None, None]

SETTLE_SECONDS = 0.2
"""How long a control has to rest before the model is run."""

PAUSE_SECONDS = 0.01
"""Between two runs: a kernel takes a few turns of its loop to hand a message on to an observer."""

MOST_POINTS = 5
"""Of a curve: the chosen one, and two on either side."""

LONG_SECONDS = 0.5
"""After how long a run gets a progress bar."""


class Dashboard(ipywidgets.VBox):
    """A live view of one model.

    Moving a size shows the new shapes at once. When the control has rested, the model is probed and measured at the
    new sizes, then measured at neighbouring ones for a curve; newer input ends all that.

    Args:
        session: What runs the model.

    Attributes:
        report: The newest report.
        sizes: The chosen sizes.
        graph_view: The graph.
        controls: A `SizeInput` for every size, by its symbol, or by its label where it has no symbol.
        progress: Shown while something longer runs.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._scheduler = Scheduler(self._work, self._fail)
        self._points = Points(session)
        self._shown_in: int | None = None
        self.report: Report = session.report
        self.sizes: Sizes = dict(self.report.graph.sizes)
        self._working_sizes = self.sizes

        self.graph_view = GraphView()
        self.graph_view.show(self.report)
        self.controls = {
            control.name or control.label: SizeInput(control, continuous=not self._scheduler.is_inline)
            for control in session.controls
        }
        self._movable = {name: it for name, it in self.controls.items() if not it.control.refusal}
        for name, control in self._movable.items():
            control.observe(functools.partial(self._on_size, name), "value")
        self._axis = self._axis_of(next(iter(self._movable), next(iter(self.sizes), "")))
        self.progress = Progress(self._scheduler.cancel)
        beside = {"flex": "1 1 380px", "min_width": "0"}
        self._memory, self._timing = PlotView(label="Memory", layout=beside), PlotView(label="Time", layout=beside)
        super().__init__(self._rows())
        if not self._scheduler.is_inline:
            self._scheduler.request(self.sizes)

    def _rows(self) -> list[ipywidgets.Widget]:
        wrapping = {"flex_flow": "row wrap"}
        device = ipywidgets.Label(f"on {self.report.device}")
        return [
            self.graph_view,
            ipywidgets.HBox([*self.controls.values(), device], layout=wrapping),
            self.progress,
            ipywidgets.HBox([self._memory, self._timing], layout=wrapping),
        ]

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """Every measured point, oldest first."""
        return tuple(self._points.measured)

    @property
    def memory_figure(self) -> Figure:
        """Memory over the size that was moved last, as a figure of one's own."""
        return plots.memory_figure(self._shown_points(), self._axis, self.sizes)

    @property
    def timing_figure(self) -> Figure:
        """Time over the size that was moved last, as a figure of one's own."""
        return plots.timing_figure(self._shown_points(), self._axis, self.sizes)

    def _shown_points(self) -> list[Measurement]:
        return self._points.along(self._axis.name, self.sizes)

    def _axis_of(self, name: str) -> plots.SizeAxis:
        return plots.SizeAxis(name, self.controls[name].control.label if name in self.controls else name)

    def close(self) -> None:
        """Stop what runs, and close the dashboard with all its parts."""
        if self.comm is not None:
            self._scheduler.cancel()
            close_all([*self.children, self.layout])
            super().close()

    def display(self) -> None:
        """Show it under the running cell, with a picture for where no kernel runs."""
        display_widget(self, self.report)
        if self._scheduler.is_inline and not self.measurements and self.comm is not None:
            self._scheduler.request(self.sizes)

    def display_once(self) -> None:
        """Show it now, and not again as the value of the running cell."""
        self._shown_in = _running_cell()
        self.display()

    def _ipython_display_(self, **_: object) -> None:
        if self._shown_in is None or self._shown_in != _running_cell():
            self.display()

    def _on_size(self, name: str, change: dict[str, Any]) -> None:
        if change["new"] != self.sizes[name]:
            self.sizes = {**self.sizes, name: change["new"]}
            self._axis = self._axis_of(name)
            self._scheduler.request(self.sizes)

    def _work(self, sizes: Sizes, is_cancelled: Callable[[], bool]) -> Slices:
        """Show the sizes, then probe and measure at them, one run a slice."""
        self.graph_view.problem = None
        self.graph_view.show_sizes(self.report, sizes)
        yield SETTLE_SECONDS
        started = time.monotonic()

        def is_over() -> bool:
            if time.monotonic() - started > LONG_SECONDS:
                self.progress.show()
            return is_cancelled()

        try:
            if sizes != self.report.graph.sizes:
                self._say("Running the model", sizes)
                self.report = self._session.probe(sizes)
                self.graph_view.show(self.report)
                yield PAUSE_SECONDS
            self._working_sizes = sizes
            self._say("Measuring", sizes)
            self._points.measure(sizes, is_over)
            self._draw()
            yield PAUSE_SECONDS
            yield from self._curve(sizes, is_over)
        finally:
            self.graph_view.status = dict(READY)
            self.progress.hide()

    def _curve(self, sizes: Sizes, is_cancelled: Callable[[], bool]) -> Slices:
        """Measure beside the chosen sizes, for a line to be seen; what fails is left out, as nobody asked for it."""
        control = self._movable.get(self._axis.name)
        if control is None:
            return
        bounds = control.control.low, control.control.high
        for done, near in enumerate(self._points.beside(sizes, self._axis.name, *bounds), start=1):
            self._say("Measuring", near, done / MOST_POINTS)
            try:
                self._points.measure(near, is_cancelled)
            except Cancelled:
                raise
            except ShapeWidgetError:
                continue
            self._draw()
            yield PAUSE_SECONDS

    def _draw(self) -> None:
        self._memory.show(self.memory_figure)
        self._timing.show(self.timing_figure)

    def _fail(self, error: Exception) -> None:
        """Say what went wrong, and go back to the last sizes that worked."""
        text = str(error) if isinstance(error, ShapeWidgetError) else f"{type(error).__name__}: {error}"
        self.graph_view.problem = {"title": f"{self.progress.text.value or 'Showing the sizes'} failed", "text": text}
        self.sizes = self._working_sizes
        for name, control in self._movable.items():
            control.value = self.sizes[name]
        self.graph_view.show_sizes(self.report, self.sizes)

    def _say(self, doing: str, sizes: Sizes, share: float = 0.0) -> None:
        text = f"{doing} at {self._words(sizes)}"
        self.progress.text.value, self.progress.bar.value = text, share
        self.graph_view.status = {"state": "busy", "text": text, "progress": share or None}

    def _words(self, sizes: Sizes) -> str:
        return ", ".join(f"{control.control.label} {sizes[name]:,}" for name, control in self._movable.items())


def _running_cell() -> int | None:
    shell = get_ipython()
    return None if shell is None else shell.execution_count
