"""Predicted curves with their bands, drawn behind the measured points, and the line where the device is full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from shapewidget.graph.anchored import Estimate
from shapewidget.notebook.plot_frame import VERMILLION, SizeAxis
from shapewidget.probing.predictor import Prediction

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

CURVE_POINTS = 25
"""Of a predicted curve."""

_REACH = 4
"""How many times smaller and larger than the current size a curve goes."""


def curve_sizes(shown: Sequence[int], here: int) -> list[int]:
    """The sizes that a curve is predicted at: all that is shown, and some around the current one, evenly by ratio."""
    low = max(1, min([*shown, here // _REACH]))
    high = max([*shown, here * _REACH])
    ratio = (high / low) ** (1 / (CURVE_POINTS - 1))
    return sorted({round(low * ratio**step) for step in range(CURVE_POINTS)} | {here})


def highest(curve: Sequence[Prediction], of: Callable[[Prediction], Estimate | None]) -> float:
    """The largest predicted value."""
    return max((estimate.value for prediction in curve if (estimate := of(prediction)) is not None), default=0.0)


def add_curve(
    figure: Figure,
    curve: Sequence[Prediction],
    axis: SizeAxis,
    of: Callable[[Prediction], Estimate | None],
    *,
    scale: float,
    colour: str,
    name: str,
    text: Callable[[float], str],
) -> None:
    """Add a dashed line and the band around it.

    Args:
        figure: Holds the measured traces.
        curve: Predictions in the order of the size.
        axis: The size that the figure is drawn over.
        of: The value to draw.
        scale: What its unit is worth.
        colour: "#rrggbb".
        name: What is predicted.
        text: Writes a value with its unit.
    """
    known = [(it.sizes[axis.name], estimate) for it in curve if (estimate := of(it)) is not None]
    if len(known) < 2:
        return
    sizes = [size for size, _ in known]
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    edges = [it.upper / scale for _, it in known] + [it.lower / scale for _, it in reversed(known)]
    figure.add_scatter(
        x=[*sizes, *reversed(sizes)],
        y=edges,
        fill="toself",
        fillcolor=f"rgba({red}, {green}, {blue}, 0.15)",
        mode="lines",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        name=f"band of {name}",
    )
    figure.add_scatter(
        x=sizes,
        y=[it.value / scale for _, it in known],
        mode="lines",
        line={"color": colour, "width": 1.5, "dash": "dash"},
        hovertext=[
            f"{axis.label} {size:,}<br>{name}, predicted <b>{text(it.value)}</b><br>"
            f"9 of 10 in {text(it.lower)} – {text(it.upper)}"
            for size, it in known
        ],
        hoverinfo="text",
        showlegend=False,
        name=f"{name}, predicted",
    )


def add_capacity(figure: Figure, capacity: int | None, *, scale: float, top: float, text: str) -> None:
    """Add the line where the device is full; where that is far above all that is shown, there is none."""
    if capacity is None or capacity / scale > top:
        return
    figure.add_hline(
        y=capacity / scale,
        line={"color": VERMILLION, "width": 1.5, "dash": "dashdot"},
        annotation={"text": text, "font": {"color": VERMILLION, "size": 10}},
        annotation_position="top left",
    )
