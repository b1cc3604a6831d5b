"""The batches of a loader as a plotly figure, in the look of the plots of costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shapewidget.graph.batches import BatchRecord
from shapewidget.notebook.plot_frame import GREY, GRID, VERMILLION
from shapewidget.notebook.plots import BLUE, ORANGE, PURPLE, SKY
from shapewidget.probing.timeline import Timeline

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_RANKS = (BLUE, ORANGE, SKY, PURPLE)
_MOST_BARS = 200
"""Beyond so many batches their sizes are drawn as a line."""


def batches_figure(timeline: Timeline) -> Figure:
    """Size, sequence length and share of padding by batch; the sizes of every rank's batches, side by side.

    A batch that is not of the size of the first is drawn in vermillion.
    """
    from plotly import graph_objects

    figure = graph_objects.Figure()
    rows: list[tuple[str, str]] = [("batch size", "samples")]
    if timeline.ranks is not None:
        for share in timeline.ranks.shares:
            _add_sizes(figure, share.sizes, range(len(share.sizes)), f"rank {share.rank}", _RANKS[share.rank % 4])
    else:
        known = [batch for batch in timeline if batch.size is not None]
        _add_sizes(figure, [batch.size or 0 for batch in known], [batch.index for batch in known], "size", None)
        rows += _add_lines(figure, timeline)
    figure.update_layout(**_layout(rows, has_legend=timeline.ranks is not None))
    if not timeline and timeline.ranks is None:
        figure.add_annotation(text="no batch", x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    return figure


def _add_sizes(figure: Figure, sizes: Sequence[int], places: Sequence[int], name: str, colour: str | None) -> None:
    details: dict[str, Any] = {"name": name, "x": list(places), "y": list(sizes)}
    details["hovertemplate"] = f"batch %{{x}}<br>{name} <b>%{{y}}</b><extra></extra>"
    if len(sizes) > _MOST_BARS:
        figure.add_scatter(**details, mode="lines", line={"color": colour or BLUE, "width": 1.5, "shape": "hvh"})
        return
    full = sizes[0] if sizes else 0
    colours = [VERMILLION if size != full and colour is None else colour or BLUE for size in sizes]
    few = len(sizes) <= 24 and colour is None
    figure.add_bar(
        **details,
        marker={"color": colours, "line": {"width": 0}},
        text=list(sizes) if few else None,
        textposition="outside",
        cliponaxis=False,
    )


def _add_lines(figure: Figure, batches: Sequence[BatchRecord]) -> list[tuple[str, str]]:
    """The sequence lengths and the padding, where there are any, each in a row of its own."""
    lengths = [(batch.index, batch.length) for batch in batches if batch.length is not None]
    padding = [(batch.index, 100 * batch.padding) for batch in batches if batch.padding is not None]
    rows = []
    for points, name, unit, colour in (
        (lengths, "sequence length", "steps", ORANGE),
        (padding, "padding", "%", PURPLE),
    ):
        if points:
            rows.append((name, unit))
            figure.add_scatter(
                name=name,
                x=[place for place, _ in points],
                y=[value for _, value in points],
                yaxis=f"y{len(rows) + 1}",
                mode="lines+markers" if len(points) <= _MOST_BARS else "lines",
                line={"color": colour, "width": 2},
                marker={"size": 6},
                hovertemplate=f"batch %{{x}}<br>{name} <b>%{{y:.3~g}}</b> {unit}<extra></extra>",
            )
    return rows


def _layout(rows: Sequence[tuple[str, str]], *, has_legend: bool) -> dict[str, Any]:
    share, gap = 1 / len(rows), 0.08
    axes = {}
    for place, (name, unit) in enumerate(rows):
        top = 1 - place * share
        axes["yaxis" if place == 0 else f"yaxis{place + 1}"] = {
            "title": {"text": f"{name}<br>({unit})", "standoff": 6},
            "domain": [top - share + (gap if place < len(rows) - 1 else 0), top],
            "rangemode": "tozero",
            "gridcolor": GRID,
            "zerolinecolor": GRID,
            "nticks": 5,
        }
    return {
        "template": "none",
        "paper_bgcolor": "rgba(0, 0, 0, 0)",
        "plot_bgcolor": "rgba(0, 0, 0, 0)",
        "font": {"size": 11, "color": GREY},
        "height": 120 + 130 * len(rows),
        "margin": {"l": 64, "r": 12, "t": 30, "b": 38},
        "showlegend": has_legend,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 10}},
        "bargap": 0.15,
        "hoverlabel": {"align": "left", "bgcolor": "#333333", "font": {"color": "#ffffff", "size": 11}},
        "xaxis": {
            "title": {"text": "batch", "standoff": 6},
            "anchor": "y" if len(rows) == 1 else f"y{len(rows)}",
            "showgrid": False,
            "zeroline": False,
            "linecolor": GRID,
            "ticks": "outside",
            "tickcolor": GRID,
            "tickformat": ",d",
        },
        **axes,
    }
