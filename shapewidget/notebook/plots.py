"""Memory and time over one size, as plotly figures that a person can restyle, save and export.

Every point is a measurement: nothing between two of them is more than the line that joins them. Colours are Okabe and
Ito's, none of them green, and vermillion is left to what does not work, as in the graph.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from shapewidget.graph.costs import Measurement, Timing
from shapewidget.notebook import units
from shapewidget.notebook.plot_frame import GREY, SizeAxis, add_frame, heading, wrapped

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["SizeAxis", "memory_figure", "timing_figure"]

BLUE, SKY, PURPLE, ORANGE = "#0072B2", "#56B4E9", "#CC79A7", "#E69F00"

PARTS = (
    ("parameters", "parameters", BLUE),
    ("gradients", "gradients", SKY),
    ("optimizer_state", "optimiser state", PURPLE),
    ("activations", "activations", ORANGE),
)
CALLS = (("forward", "forward pass", BLUE, "circle"), ("step", "training step", ORANGE, "diamond"))


def memory_figure(measurements: Sequence[Measurement], axis: SizeAxis, current: Mapping[str, int]) -> Figure:
    """Peak memory of a training step in its four parts, over one size.

    Args:
        measurements: Points that differ in that size only; of two at the same size the later one counts.
        axis: The size.
        current: The sizes that are shown in the graph; marked by a line.
    """
    from plotly import graph_objects

    points = _by_size(measurements, axis)
    measured = {size: point for size, point in points.items() if point.memory is not None}
    peaks = [point.memory.peak for point in measured.values() if point.memory]
    unit, scale = units.of_bytes(max(peaks, default=0))
    figure = graph_objects.Figure()
    left, width = _bar_edges(list(measured), list(points))
    for field, label, colour in PARTS:
        figure.add_bar(
            name=label,
            x=list(measured),
            y=[getattr(point.memory, field) / scale for point in measured.values()],
            offset=left,
            width=width,
            marker={"color": colour, "line": {"width": 0}},
            hoverinfo="skip",
        )
    figure.add_scatter(
        name="peak",
        x=list(measured),
        y=[peak / scale for peak in peaks],
        mode="lines+markers+text" if len(measured) <= 5 else "lines+markers",
        text=[units.in_bytes(peak) for peak in peaks],
        textposition="top left",
        line={"color": GREY, "width": 1.5},
        marker={"color": GREY, "size": 6},
        hovertext=[_memory_text(point, axis) for point in measured.values()],
        hoverinfo="text",
        showlegend=False,
    )
    add_frame(figure, points, axis, current, top=max(peaks, default=0) / scale, title="peak memory", unit=unit)
    figure.update_layout(barmode="stack")
    return figure


def timing_figure(measurements: Sequence[Measurement], axis: SizeAxis, current: Mapping[str, int]) -> Figure:
    """Median time of a forward pass and of a training step with their quartiles, over one size.

    Args:
        measurements: Points that differ in that size only; of two at the same size the later one counts.
        axis: The size.
        current: The sizes that are shown in the graph; marked by a line.
    """
    from plotly import graph_objects

    points = _by_size(measurements, axis)
    timings = [getattr(point, field) for point in points.values() for field, *_ in CALLS]
    slowest = max((timing.upper for timing in timings if timing is not None), default=0.0)
    unit, scale = units.of_seconds(slowest)
    figure = graph_objects.Figure()
    for field, label, colour, symbol in CALLS:
        timed = {size: getattr(point, field) for size, point in points.items() if getattr(point, field) is not None}
        figure.add_scatter(
            name=label,
            x=list(timed),
            y=[timing.median / scale for timing in timed.values()],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [(timing.upper - timing.median) / scale for timing in timed.values()],
                "arrayminus": [(timing.median - timing.lower) / scale for timing in timed.values()],
                "thickness": 1.5,
                "width": 4,
            },
            mode="lines+markers+text" if len(points) == 1 else "lines+markers",
            text=[units.in_seconds(timing.median) for timing in timed.values()],
            textposition="middle right",
            line={"color": colour, "width": 2},
            marker={"symbol": symbol, "size": 8},
            hovertext=[_timing_text(points[size], timing, label, axis) for size, timing in timed.items()],
            hoverinfo="text",
        )
    add_frame(figure, points, axis, current, top=slowest / scale, title="time", unit=unit)
    return figure


def _by_size(measurements: Sequence[Measurement], axis: SizeAxis) -> dict[int, Measurement]:
    return dict(sorted({point.sizes[axis.name]: point for point in measurements}.items()))


def _bar_edges(measured: Sequence[int], shown: Sequence[int]) -> tuple[list[float], list[float]]:
    """Offset and width of bars that look equally wide on a logarithmic axis and leave each other room."""
    ratios = [right / left for left, right in itertools.pairwise(shown)]
    half = min([*ratios, 2.0]) ** 0.42
    return [size / half - size for size in measured], [size * half - size / half for size in measured]


def _memory_text(point: Measurement, axis: SizeAxis) -> str:
    memory = point.memory
    assert memory is not None
    rows = [f"{label} {units.in_bytes(getattr(memory, field))}" for field, label, _ in reversed(PARTS)]
    peaks = [f"<b>peak {units.in_bytes(memory.peak)}</b>", f"forward pass alone {units.in_bytes(memory.forward_peak)}"]
    return "<br>".join([f"<b>{heading(point, axis)}</b>", *rows, *peaks, *wrapped(point.refusal)])


def _timing_text(point: Measurement, timing: Timing, label: str, axis: SizeAxis) -> str:
    quartiles = (
        f"half of {timing.repeats} repeats in {units.in_seconds(timing.lower)} – {units.in_seconds(timing.upper)}"
    )
    rows = [f"<b>{heading(point, axis)}</b>", f"{label} <b>{units.in_seconds(timing.median)}</b>", quartiles]
    if "B" in point.sizes:
        rows.append(f"{point.sizes['B'] / timing.median:,.0f} samples/s")
    return "<br>".join(rows + wrapped(point.refusal))
