"""What every layer costs, as bars; the layer that is selected in the graph stands out."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from shapewidget.graph.records import Layer, LayerGraph, LayerKind
from shapewidget.notebook import units
from shapewidget.notebook.plot_frame import GREY, GRID
from shapewidget.notebook.plots import BLUE, ORANGE

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_BARS = 12
"""The layers that keep the most memory; the one that is selected besides."""


def layers_figure(graph: LayerGraph, selection: str = "", note: str = "") -> Figure | None:
    """Bytes kept for the backward pass and seconds of the forward pass, of the dearest layers.

    Args:
        graph: Its layers tell their costs where these are known.
        selection: Id of the selected layer.
        note: How and at which sizes they became known.

    Returns:
        None where nothing is known.
    """
    from plotly import graph_objects

    shown = _shown(graph, selection)
    if not shown:
        return None
    figure = graph_objects.Figure()
    is_one_selected = any(layer.id == selection for layer in shown)
    opacity = [1.0 if not is_one_selected or layer.id == selection else 0.35 for layer in shown]
    most = max(layer.memory or 0 for layer in shown)
    longest = max(layer.time or 0.0 for layer in shown)
    for name, shares, texts, colour, side in (
        ("memory kept", [-(layer.memory or 0) / (most or 1) for layer in shown],
         [units.in_bytes(layer.memory or 0) for layer in shown], ORANGE, "left"),
        ("forward pass", [(layer.time or 0.0) / (longest or 1) for layer in shown],
         [units.in_seconds(layer.time or 0.0) for layer in shown], BLUE, "right"),
    ):  # fmt: skip
        figure.add_bar(
            name=name,
            orientation="h",
            x=shares,
            y=[html.escape(layer.id) for layer in shown],
            text=texts,
            textposition="outside",  # on a bar that is dimmed nothing can be read
            cliponaxis=False,
            marker={"color": colour, "opacity": opacity},
            customdata=[layer.id for layer in shown],  # what a click on the bar selects
            hovertext=[
                f"<b>{html.escape(layer.id)}</b><br>{name} {text}" for layer, text in zip(shown, texts, strict=True)
            ],
            hoverinfo="text",
            legendgroup=side,
        )
    figure.update_layout(
        barmode="overlay",
        template="none",
        paper_bgcolor="rgba(0, 0, 0, 0)",
        plot_bgcolor="rgba(0, 0, 0, 0)",
        font={"size": 11, "color": GREY},
        margin={"l": 120, "r": 12, "t": 30, "b": 22},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 10}},
        xaxis={"showticklabels": False, "ticks": "", "showgrid": False, "zerolinecolor": GRID, "range": [-1.25, 1.25]},
        yaxis={"autorange": "reversed", "showgrid": False},
    )
    if note:
        figure.add_annotation(
            text=html.escape(note),
            xref="paper",
            yref="paper",
            x=0,
            y=0,
            yanchor="top",
            showarrow=False,
            font={"size": 10},
        )
    return figure


def _shown(graph: LayerGraph, selection: str) -> list[Layer]:
    """In execution order; groups would count what is in them a second time."""
    measured = [layer for layer in graph.layers if layer.memory is not None and layer.kind is not LayerKind.GROUP]
    dearest = sorted(measured, key=lambda layer: layer.memory or 0, reverse=True)[:MOST_BARS]
    return [layer for layer in measured if layer in dearest or layer.id == selection]
