"""What every plot of costs over a size has: its axes, the line at the current size, and the points that failed."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shapewidget.graph.costs import Measurement

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

VERMILLION = "#D55E00"
GREY = "#808080"
HEADROOM = 1.25
"""Upper end of the value axis, in units of the highest measured value: room for labels and for points that failed."""
FAILED = 1.14
"""Where points that failed are drawn, in the same units."""
GRID = "rgba(128, 128, 128, 0.25)"


@dataclass(frozen=True, slots=True)
class SizeAxis:
    """The size that a figure is drawn over.

    Attributes:
        name: Its symbol, "B".
        label: What a person calls it, "batch size".
    """

    name: str
    label: str


def add_frame(
    figure: Figure,
    points: Mapping[int, Measurement],
    axis: SizeAxis,
    current: Mapping[str, int],
    *,
    top: float,
    title: str,
    unit: str,
    also: Sequence[int] = (),
) -> None:
    """Add axes and legend, the points that failed and the line at the current size.

    Args:
        figure: Holds the measured traces.
        points: The measurement at every size, in order.
        axis: The size that the figure is drawn over.
        current: The sizes that are shown in the graph.
        top: The highest measured value, in `unit`.
        title: What the upright axis shows.
        unit: Its unit.
        also: Sizes that have to be in sight besides those of the points.
    """
    ceiling = top or 1.0
    failed = {size: point for size, point in points.items() if point.memory is None}
    if failed:
        figure.add_scatter(
            name="failed",
            x=list(failed),
            y=[ceiling * FAILED] * len(failed),
            mode="markers+text",
            text=_first_of_each(["did not run" if point.fits else "does not fit" for point in failed.values()]),
            textposition="bottom center",
            cliponaxis=False,
            marker={"symbol": "x", "size": 11, "color": VERMILLION},
            hovertext=[_failure_text(point, axis) for point in failed.values()],
            hoverinfo="text",
            showlegend=False,
        )
    here = current.get(axis.name)
    shown = sorted({*points, *also} | ({here} if here is not None else set()))
    if here is not None:
        figure.add_shape(
            type="line",
            x0=here,
            x1=here,
            y0=0,
            y1=1 / HEADROOM,
            yref="paper",
            line={"color": GREY, "width": 1.5, "dash": "dot"},
        )
    figure.update_layout(
        **_layout(axis, shown, here), yaxis=_value_axis(title, unit if top else "", ceiling * HEADROOM)
    )
    if not points:
        figure.add_annotation(text="nothing measured yet", x=0.5, y=0.9, xref="paper", yref="paper", showarrow=False)


def _layout(axis: SizeAxis, shown: Sequence[int], here: int | None) -> dict[str, Any]:
    low, high = (math.log10(shown[0]), math.log10(shown[-1])) if shown else (0.0, 1.0)
    room = max(0.12 * (high - low), 0.35 if len(shown) <= 2 else 0.15)
    ticks = readable_ticks(shown, here)
    return {
        "template": "none",
        "paper_bgcolor": "rgba(0, 0, 0, 0)",
        "plot_bgcolor": "rgba(0, 0, 0, 0)",
        "font": {"size": 11, "color": GREY},
        "margin": {"l": 52, "r": 12, "t": 30, "b": 38},
        "legend": {
            "orientation": "h",
            "x": -0.13,
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"size": 10},
            "traceorder": "normal",
        },
        "hovermode": "closest",
        "hoverdistance": 60,
        "hoverlabel": {"align": "left", "bgcolor": "#333333", "font": {"color": "#ffffff", "size": 11}},
        "xaxis": {
            "title": {"text": html.escape(axis.label), "standoff": 6},
            "type": "log",
            "range": [low - room, high + room],
            "tickvals": ticks,
            "ticktext": [f"<b>{size:,}</b>" if size == here else f"{size:,}" for size in ticks],
            "showgrid": False,
            "zeroline": False,
            "linecolor": GRID,
            "ticks": "outside",
            "tickcolor": GRID,
        },
    }


def _value_axis(title: str, unit: str, highest: float) -> dict[str, Any]:
    """The upright axis; without numbers while there is nothing that they could be read for."""
    return {
        "title": {"text": f"{title} ({unit})" if unit else title, "standoff": 6},
        "showticklabels": bool(unit),
        "range": [0, highest],
        "gridcolor": GRID,
        "zerolinecolor": GRID,
        "nticks": 6,
    }


def readable_ticks(sizes: Sequence[float], here: int | None = None) -> list[float]:
    """The sizes that can be printed side by side, a fourteenth of the axis apart: the current one, then the larger."""
    ticks: list[float] = [] if here is None else [here]
    gap = math.log(sizes[-1] / sizes[0]) / 14 if sizes else 0.0
    for size in reversed(sizes):
        if all(abs(math.log(size / tick)) > gap for tick in ticks):
            ticks.append(size)
    return sorted(ticks)


def _first_of_each(texts: Sequence[str]) -> list[str]:
    """Texts that are not said yet: side by side they would run into one another."""
    return [text if text not in texts[:index] else "" for index, text in enumerate(texts)]


def heading(point: Measurement, axis: SizeAxis) -> str:
    """First line of a hover text: where the point was measured."""
    others = [f"{name} {size:,}" for name, size in point.sizes.items() if name != axis.name]
    return html.escape(", ".join([f"{axis.label} {point.sizes[axis.name]:,}", *others, point.device]))


def wrapped(text: str) -> list[str]:
    """Lines of a hover text: what an error says is text, and plotly would read it as HTML."""
    return [html.escape(line) for line in textwrap.wrap(text, 50)]


def _failure_text(point: Measurement, axis: SizeAxis) -> str:
    return "<br>".join([f"<b>{heading(point, axis)}</b>", *wrapped(point.refusal)])
