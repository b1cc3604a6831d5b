"""The dashboard under a cell: the graph, a control for every size, and the memory and timing plots."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets
from IPython import get_ipython

from shapewidget.diagnosis.odd_batch import marked, odd_batch
from shapewidget.errors import Cancelled, ShapeWidgetError
from shapewidget.frameworks.adapter import Effort
from shapewidget.graph.costs import Measurement, with_costs
from shapewidget.notebook import page, plots
from shapewidget.notebook.controls import Progress, SizeInput, close_all
from shapewidget.notebook.graph_view import READY, GraphView
from shapewidget.notebook.layer_plots import layers_figure
from shapewidget.notebook.limit import LimitRow
from shapewidget.notebook.live_switch import LiveSwitch
from shapewidget.notebook.plot_row import PlotRow, obstacle
from shapewidget.notebook.plot_view import PlotView
from shapewidget.notebook.points import Points
from shapewidget.notebook.predicted import curve_sizes
from shapewidget.notebook.report_view import display_widget
from shapewidget.notebook.scheduler import PAUSE_SECONDS, Scheduler, paced
from shapewidget.probing.largest import largest_predicted, searching
from shapewidget.probing.live import Live
from shapewidget.probing.predictor import Prediction
from shapewidget.probing.report import Report
from shapewidget.probing.session import Session
from shapewidget.probing.timeline import Timeline

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Sizes = dict[str, int]


@dataclass(frozen=True)
class _Search:
    """A request to find out how large a size can be."""

    name: str


Slices = Generator[float, None, None]

SETTLE_SECONDS = 0.2
"""How long a control has to rest before the model is run."""

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
        limit: The largest size that fits.
        live_switch: Follows the real batches of a training loop.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._scheduler = Scheduler(self._work, self._fail)
        self._costs = session.costs
        self._points = Points(self._costs)
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
        self.limit = LimitRow(lambda: self._scheduler.request(_Search(self._axis.name)))
        self.live_switch = LiveSwitch(self._follow)
        self._live: Live | None = None
        self._unfollow: Callable[[], None] | None = None
        self._plots = PlotRow()
        self._layers = PlotView(label="Costs of the layers", height=220, layout={"display": "none"})
        traitlets.link((self.graph_view, "selection"), (self._layers, "selection"))
        self.graph_view.observe(lambda _: self._draw_layers(), "selection")
        super().__init__(self._rows())
        if not self._scheduler.is_inline:
            self._scheduler.request(self.sizes)

    def _rows(self) -> list[ipywidgets.Widget]:
        wrapping = {"flex_flow": "row wrap"}
        device = ipywidgets.Label(f"on {self.report.device}")
        return [
            self.graph_view,
            ipywidgets.HBox([*self.controls.values()], layout=wrapping),
            ipywidgets.HBox([device, self.progress], layout=wrapping),
            self._plots,
            self.limit,
            self._layers,
            self.live_switch,
        ]

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """Every measured point, oldest first."""
        return tuple(self._points.measured)

    @property
    def memory_figure(self) -> Figure:
        """Memory over the size that was moved last, as a figure of one's own."""
        return plots.memory_figure(self._shown_points(), self._axis, self.sizes, self._curve(), self._costs.capacity)

    @property
    def timing_figure(self) -> Figure:
        """Time over the size that was moved last, as a figure of one's own."""
        points = self._shown_points()
        peak = self._costs.peak_flops if any(point.flops for point in points) else None
        return plots.timing_figure(points, self._axis, self.sizes, self._curve(), peak)

    @property
    def layers_figure(self) -> Figure | None:
        """What the layers cost, the selected one standing out, as a figure of one's own; None before it is known.

        Measured where that was done at the chosen sizes, predicted elsewhere; the figure says which.
        """
        graph, sizes = self.report.graph, self.report.graph.sizes
        is_measured = sizes == self.sizes and any(layer.memory is not None for layer in graph.layers)
        predicted = {} if is_measured else self._costs.predict_layers(self.sizes)
        if predicted:
            graph, sizes = with_costs(graph, predicted), self.sizes
        how = "predicted" if predicted else "measured"
        return layers_figure(graph, self.graph_view.selection, f"{how} at {self._words(sizes)}")

    def _draw_layers(self) -> None:
        figure = self.layers_figure
        self._layers.layout.display = "none" if figure is None else ""
        if figure is not None:
            self._layers.show(figure)

    @property
    def live(self) -> bool:
        """Whether the real batches of a training loop are recorded as the model is called; a few a second."""
        return bool(self.live_switch.value)

    @live.setter
    def live(self, value: bool) -> None:
        self.live_switch.value = value

    @property
    def live_batches(self) -> Timeline:
        """What was recorded since `live` was switched on."""
        return self._live.batches if self._live is not None else Timeline()

    def _follow(self, is_on: bool) -> None:
        if self._unfollow is not None:
            self._unfollow()
            self._unfollow = None
        if is_on:
            self._live = Live(self._tell)
            self._unfollow = self._session.follow(self._live.called)
            self.live_switch.say(self._live)

    def _tell(self, live: Live) -> None:
        """Say what came; the first batch of another shape is marked on the graph too."""
        self.live_switch.say(live)
        if live.odd is not None and live.odd is live.batches[-1]:
            self._show_report()

    def _show_report(self) -> None:
        """Show the newest report, with the odd batch of a loop that is followed."""
        live = self._live
        if live is not None and live.odd is not None:
            odd = odd_batch(self.report.graph, live.batches[0], live.odd)
            others = tuple(each for each in self.report.findings if each.code != odd.code)
            self.report = replace(self.report, findings=(*others, odd), graph=marked(self.report.graph, odd))
        self.graph_view.show(self.report)

    def _shown_points(self) -> list[Measurement]:
        return self._points.along(self._axis.name, self.sizes)

    def _curve(self) -> list[Prediction]:
        """The predictions over the size that was moved last; none before anything was learnt."""
        name = self._axis.name
        said = self._costs.predict(self.sizes)
        if name not in self._movable or (said.peak is None and said.forward is None):
            return []
        shown = [point.sizes[name] for point in self._shown_points()]
        return [self._costs.predict({**self.sizes, name: size}) for size in curve_sizes(shown, self.sizes[name])]

    def _axis_of(self, name: str) -> plots.SizeAxis:
        return plots.SizeAxis(name, self.controls[name].control.label if name in self.controls else name)

    def close(self) -> None:
        """Stop what runs, and close the dashboard with all its parts."""
        if self.comm is not None:
            self._scheduler.cancel()
            self._follow(False)
            close_all([*self.children, self.layout])
            super().close()

    def display(self) -> None:
        """Show it under the running cell, with a picture for where no kernel runs."""
        display_widget(self, self.graph_view, self.report)
        if self._scheduler.is_inline and not self.measurements and self.comm is not None:
            self._scheduler.request(self.sizes)

    def save_html(self, path: str | PathLike[str]) -> Path:
        """Write the graph as it is shown now to one HTML file, interactive without a kernel or a network.

        Returns:
            The path of the file.
        """
        view = self.graph_view
        traits = {name: getattr(view, name) for name in ("tensors", "sizes", "selection", "colour_by", "view_state")}
        return page.save(path, self.report, traits)

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

    def _work(self, request: Sizes | _Search, is_cancelled: Callable[[], bool]) -> Slices:
        """Carry a request out, one call of the model a slice."""
        started = time.monotonic()

        def is_over() -> bool:
            if time.monotonic() - started > LONG_SECONDS:
                self.progress.show()
            return is_cancelled()

        self.graph_view.problem = None
        try:
            if isinstance(request, _Search):
                yield from self._search(request.name, is_over)
            else:
                yield from self._show(request, is_over)
        finally:
            self.graph_view.status = dict(READY)
            self.progress.hide()

    def _show(self, sizes: Sizes, is_cancelled: Callable[[], bool]) -> Slices:
        """Show the sizes with what is predicted of them, then probe and measure there."""
        self.graph_view.show_sizes(self.report, sizes)
        if self.measurements:
            self._draw()
            self._draw_layers()
        yield SETTLE_SECONDS
        refused = self._costs.refused(sizes)
        if refused is not None:
            self._working_sizes = sizes
            self._points.add(refused)
            self._draw()
            return
        if sizes != self.report.graph.sizes:
            self._say("Running the model", sizes)
            self.report = self._session.probe(sizes)
            self._show_report()
            yield PAUSE_SECONDS
        self._working_sizes = sizes
        self._say("Measuring", sizes)
        yield from paced(self._points.measuring(sizes), is_cancelled)
        self._show_layers(sizes)
        self._draw_plots()
        yield PAUSE_SECONDS
        self._say("Learning to predict", sizes)
        yield from paced(self._costs.learning(self._draw), is_cancelled)
        self._draw()
        yield from self._measure_beside(sizes, is_cancelled)

    def _measure_beside(self, sizes: Sizes, is_cancelled: Callable[[], bool]) -> Slices:
        """Measure beside the chosen sizes; what fails is left out, as nobody asked for it."""
        control = self._movable.get(self._axis.name)
        if control is None:
            return
        bounds = control.control.low, control.control.high
        for done, near in enumerate(self._points.beside(sizes, self._axis.name, *bounds), start=1):
            self._say("Measuring", near, done / MOST_POINTS)
            try:
                yield from paced(self._points.measuring(near, Effort.USUAL), is_cancelled)
            except Cancelled:
                raise
            except ShapeWidgetError:
                continue
            self._draw()
            yield PAUSE_SECONDS

    def _search(self, name: str, is_cancelled: Callable[[], bool]) -> Slices:
        """Find by running what fits; the largest is said, the points of the search are drawn."""
        self._say("Looking for what fits", self.sizes)
        found = yield from paced(searching(self._costs, self.sizes, name, self._points.note), is_cancelled)
        self._draw()
        self.limit.show(found, self._axis.label, self.report.device)

    def _show_layers(self, sizes: Sizes) -> None:
        """Put what the layers cost into the graph."""
        costs = next((point.layers for point in reversed(self.measurements) if point.sizes == sizes), {})
        if costs and self.report.graph.sizes == sizes:
            self.report.graph = with_costs(self.report.graph, costs)
            self._show_report()
            self._draw_layers()

    def _draw_plots(self) -> None:
        missing = obstacle(self._shown_points(), self.report)
        if missing:
            self._plots.say(missing)
        else:
            self._plots.show(self.memory_figure, self.timing_figure)

    def _draw(self) -> None:
        """Draw the plots, and say what fits; one run alone does not tell how memory grows."""
        self._draw_plots()
        largest = largest_predicted(self._costs, self.sizes, self._axis.name) if self._curve() else None
        self.limit.show(largest, self._axis.label, self.report.device)

    def _fail(self, error: Exception) -> None:
        """Say what went wrong, and go back to the last sizes that worked."""
        text = str(error) if isinstance(error, ShapeWidgetError) else f"{type(error).__name__}: {error}"
        self.graph_view.problem = {"title": f"{self.progress.text.value or 'Showing the sizes'} failed", "text": text}
        self.sizes = self._working_sizes
        for name, control in self._movable.items():
            control.value = self.sizes[name]
        self.graph_view.show_sizes(self.report, self.sizes)
        self._draw_layers()

    def _say(self, doing: str, sizes: Sizes, share: float = 0.0) -> None:
        text = f"{doing} at {self._words(sizes)}"
        self.progress.text.value, self.progress.bar.value = text, share
        self.graph_view.status = {"state": "busy", "text": text, "progress": share or None}

    def _words(self, sizes: Mapping[str, int]) -> str:
        return ", ".join(f"{control.control.label} {sizes[name]:,}" for name, control in self._movable.items())


def _running_cell() -> int | None:
    shell = get_ipython()
    return None if shell is None else shell.execution_count
