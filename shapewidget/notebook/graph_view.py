"""The graph in the notebook: an anywidget whose state is the contract's."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any, get_args

import anywidget
import traitlets

from shapewidget.notebook import assets, wire
from shapewidget.notebook.contract import ColourBy, Theme
from shapewidget.probing.report import Report

READY: dict[str, Any] = {"state": "ready", "text": "", "progress": None}
"""A `WireStatus`."""


def packed(graph: dict[str, Any] | None, _widget: object = None) -> bytes | None:
    """A graph as it goes to the browser: deflated JSON. Its words repeat, so that it is a tenth as long."""
    if graph is None:
        return None
    return zlib.compress(json.dumps(graph, ensure_ascii=False, separators=(",", ":")).encode())


class GraphView(anywidget.AnyWidget):
    """The layer graph of a report with its findings; a widget that is complete by itself."""

    _esm = assets.bundle("graph_view.js")

    graph = traitlets.Instance(dict, allow_none=True).tag(sync=True, to_json=packed)
    """The graph as a `WireGraph`; None before the first probe ended. Written by the kernel."""

    tensors: traitlets.List[Any] = traitlets.List().tag(sync=True)
    """Shapes of the graph's tensors at the sizes that are shown, as `WireTensor`s. Written by the kernel."""

    sizes: traitlets.Dict[str, int] = traitlets.Dict().tag(sync=True)
    """Values of the symbols at the sizes that are shown. Written by the kernel."""

    status: traitlets.Dict[str, Any] = traitlets.Dict(READY).tag(sync=True)
    """What the kernel is doing, as a `WireStatus`. Written by the kernel."""

    problem = traitlets.Instance(dict, allow_none=True).tag(sync=True)
    """What went wrong in the kernel, as a `WireProblem`; None when nothing did. Written by the kernel."""

    selection = traitlets.Unicode("").tag(sync=True)
    """Id of the selected layer or edge; empty for none. Written by both."""

    colour_by = traitlets.Enum(get_args(ColourBy), "agreement").tag(sync=True)
    """What the colours of the graph say. Written by both."""

    view_state = traitlets.Dict({"version": 1, "open": None}).tag(sync=True)
    """Which groups are open, as a `WireViewState`. Written by both."""

    theme = traitlets.Enum(get_args(Theme), "auto").tag(sync=True)
    """Light or dark; "auto" follows the notebook. Written by both."""

    height = traitlets.Int(560, min=120).tag(sync=True)
    """Height of the view in CSS pixels. Written by both."""

    def show(self, report: Report) -> None:
        """Show a report at the sizes that it was probed at."""
        with self.hold_sync():  # graph and tensors point into one another: a page gets both or neither
            self.graph = dict(wire.wire_graph(report))
            self.tensors = wire.wire_tensors(report.graph)
            self.sizes = dict(report.graph.sizes)

    def show_sizes(self, report: Report, sizes: Mapping[str, int]) -> None:
        """Show the shapes of a report's graph as they would be at other sizes; nothing is run."""
        with self.hold_sync():
            self.tensors = wire.wire_tensors(report.graph, sizes)
            self.sizes = dict(sizes)

    def take_over(self, other: GraphView) -> None:
        """Look at a graph of the same name as another view does: its open groups, colours and selection."""
        if not self.graph or not other.graph or self.graph["title"] != other.graph["title"]:
            return
        ids = {each["id"] for each in (*self.graph["layers"], *self.graph["edges"])}
        with self.hold_sync():
            self.view_state = dict(other.view_state)
            self.colour_by = other.colour_by
            self.selection = other.selection if other.selection in ids else ""
