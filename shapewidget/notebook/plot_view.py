"""The widget that shows a plotly figure.

Importing this module reads the front end, so that it is imported only where a widget is made.
"""

from __future__ import annotations

import contextlib
import json
import zlib
from collections.abc import Iterator
from typing import Any

import anywidget
import traitlets

from shapewidget.notebook.assets import MissingBundleError, bundle
from shapewidget.notebook.contract import WireAnswer


class PlotView(anywidget.AnyWidget):
    """Shows a plotly figure, and changes it in place.

    plotly.js is in no saved trait, as a notebook would hold it once for every plot: a page asks for it once, with a
    message, and gets it as that message's buffer. While a cell runs, most hosts hold such a message back.
    """

    _esm = bundle("plot_view.js")

    figure = traitlets.Dict(default_value=None, allow_none=True).tag(sync=True)
    """A plotly figure as JSON, set by `show`; None for none."""

    label = traitlets.Unicode("").tag(sync=True)
    """What the plot shows, for screen readers; set by the kernel."""

    selection = traitlets.Unicode("").tag(sync=True)
    """The `customdata` of the bar or point that is selected; set by a click on it, or by the kernel."""

    library = traitlets.Instance(bytes, allow_none=True).tag(sync=True)
    """plotly.js, deflated, while a cell runs in which no request would be answered; set by `bring_library`."""

    theme = traitlets.Enum(("auto", "light", "dark"), "auto").tag(sync=True)
    """Light or dark, set by either side; "auto" follows the notebook."""

    height = traitlets.Int(300).tag(sync=True)
    """Height of the plot in CSS pixels, set by either side."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(self._reply)

    def show(self, figure: Any) -> None:
        """Show a `plotly.graph_objects.Figure` in place of the one before."""
        self.figure = json.loads(figure.to_json())

    @contextlib.contextmanager
    def bring_library(self) -> Iterator[None]:
        """Hand plotly.js to the page without being asked, for as long as a cell runs that is to show plots."""
        self.library = zlib.compress(bundle("plotly.min.js").read_bytes())
        try:
            yield
        finally:
            self.library = None

    def _reply(self, _: object, request: Any, buffers: object) -> None:
        answer, files = _answer(request)
        self.send(answer, buffers=files)


def _answer(request: Any) -> tuple[WireAnswer, list[bytes]]:
    """The one answer to a request of the browser, and the file that it asked for."""
    asked = request if isinstance(request, dict) else {}
    answer = WireAnswer(kind="plotly", id=asked.get("id", -1), ok=False, problem="")
    if asked.get("kind") != "plotly":
        problem = (
            f"The kernel knows no request of kind {asked.get('kind')!r}, only 'plotly'. Restart it if it is the older."
        )
        return {**answer, "problem": problem}, []
    try:
        plotly = bundle("plotly.min.js").read_bytes()
    except MissingBundleError as error:
        return {**answer, "problem": str(error)}, []
    return {**answer, "ok": True}, [plotly]
