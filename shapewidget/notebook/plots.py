"""Memory and time over one size, as plotly figures that a person can restyle, save and export.

Every point is a measurement; what is predicted is dashed, in a band. Colours are Okabe and Ito's, none of them green,
and vermillion is left to what does not work, as in the graph.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from shapewidget.graph.costs import Measurement, Timing
from shapewidget.notebook import units
from shapewidget.notebook.plot_frame import GREY, HEADROOM, SizeAxis, add_frame, heading, readable_ticks, wrapped
from shapewidget.notebook.predicted import add_capacity, add_curve, highest
from shapewidget.probing.predictor import Prediction

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["SizeAxis", "memory_figure", "timing_figure"]

BLUE, SKY, PURPLE, ORANGE, YELLOW = "#0072B2", "#56B4E9", "#CC79A7", "#E69F00", "#F0E442"

PARTS = (
    ("parameters", "parameters", BLUE),
    ("gradients", "gradients", SKY),
    ("optimizer_state", "optimiser state", PURPLE),
    ("activations", "activations", ORANGE),
    ("workspace", "workspace", YELLOW),
)
_NARROWEST = 1.2
"""Points that stand closer, as those of a search, have bars that overlap."""

CALLS = (
    ("forward", "forward pass", BLUE, "circle", "bottom"),
    ("step", "training step", ORANGE, "diamond", "top"),
)


def memory_figure(
    measurements: Sequence[Measurement],
    axis: SizeAxis,
    current: Mapping[str, int],
    curve: Sequence[Prediction] = (),
    capacity: int | None = None,
) -> Figure:
    """Peak memory of a training step in its five parts, over one size.

    Args:
        measurements: Points that differ in that size only; of two at the same size the later one counts.
        axis: The size.
        current: The sizes that are shown in the graph; marked by a line.
        curve: Predictions over that size.
        capacity: Bytes that there are on the device.
    """
    from plotly import graph_objects

    points = _by_size(measurements, axis)
    measured = {size: point for size, point in points.items() if point.memory is not None}
    peaks = [point.memory.peak for point in measured.values() if point.memory]
    most = max(max(peaks, default=0), highest(curve, lambda it: it.peak))
    unit, scale = units.of_bytes(most)
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
    _add_peaks(figure, measured, axis, scale)
    add_curve(
        figure,
        curve,
        axis,
        lambda it: it.peak,
        scale=scale,
        colour=GREY,
        name="peak",
        text=lambda value: units.in_bytes(round(value)),
    )
    is_estimate = any(point.memory.is_estimate for point in measured.values() if point.memory)
    title = "peak memory, estimated" if is_estimate else "peak memory"
    add_frame(figure, points, axis, current, top=most / scale, title=title, unit=unit, also=_ends(curve, axis))
    full = f"full: {units.in_bytes(capacity or 0)} are free"
    add_capacity(figure, capacity, scale=scale, top=most / scale * HEADROOM, text=full)
    figure.update_layout(barmode="stack")
    return figure


def _add_peaks(figure: Figure, measured: Mapping[int, Measurement], axis: SizeAxis, scale: float) -> None:
    """The line over the bars, with what it holds in words."""
    peaks = [point.memory.peak for point in measured.values() if point.memory]
    apart = readable_ticks(list(measured))
    figure.add_scatter(
        name="peak",
        x=list(measured),
        y=[peak / scale for peak in peaks],
        mode="lines+markers+text" if len(measured) <= 5 else "lines+markers",
        text=[units.in_bytes(peak) if size in apart else "" for size, peak in zip(measured, peaks, strict=True)],
        textposition=["top center", *["top left"] * (len(peaks) - 1)],  # the first would be cut off by the axis
        line={"color": GREY, "width": 1.5},
        marker={"color": GREY, "size": 6},
        hovertext=[_memory_text(point, axis) for point in measured.values()],
        hoverinfo="text",
        showlegend=False,
    )


def timing_figure(
    measurements: Sequence[Measurement],
    axis: SizeAxis,
    current: Mapping[str, int],
    curve: Sequence[Prediction] = (),
    peak_flops: float | None = None,
) -> Figure:
    """Median time of a forward pass and of a training step with their quartiles, over one size.

    Args:
        measurements: Points that differ in that size only; of two at the same size the later one counts.
        axis: The size.
        current: The sizes that are shown in the graph; marked by a line.
        curve: Predictions over that size.
        peak_flops: Floating-point operations a second that the device does at best.
    """
    from plotly import graph_objects

    points = _by_size(measurements, axis)
    timings = [getattr(point, field) for point in points.values() for field, *_ in CALLS]
    slowest = max((timing.upper for timing in timings if timing is not None), default=0.0)
    slowest = max(slowest, highest(curve, lambda it: it.step), highest(curve, lambda it: it.forward))
    unit, scale = units.of_seconds(slowest)
    figure = graph_objects.Figure()
    for field, label, colour, symbol, place in CALLS:
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
            textposition=f"{place} right",
            line={"color": colour, "width": 2},
            marker={"symbol": symbol, "size": 8},
            hovertext=[_timing_text(points[size], timing, label, axis, peak_flops) for size, timing in timed.items()],
            hoverinfo="text",
        )
        of = operator.attrgetter(field)
        add_curve(figure, curve, axis, of, scale=scale, colour=colour, name=label, text=units.in_seconds)
    add_frame(figure, points, axis, current, top=slowest / scale, title="time", unit=unit, also=_ends(curve, axis))
    return figure


def _ends(curve: Sequence[Prediction], axis: SizeAxis) -> list[int]:
    return [curve[0].sizes[axis.name], curve[-1].sizes[axis.name]] if curve else []


def _by_size(measurements: Sequence[Measurement], axis: SizeAxis) -> dict[int, Measurement]:
    return dict(sorted({point.sizes[axis.name]: point for point in measurements}.items()))


def _bar_edges(measured: Sequence[int], shown: Sequence[int]) -> tuple[list[float], list[float]]:
    """Offset and width of bars that look equally wide on a logarithmic axis and leave each other room, if there is."""
    ratios = [right / left for left, right in itertools.pairwise(shown)]
    half = max(min([*ratios, 2.0]), _NARROWEST) ** 0.42
    return [size / half - size for size in measured], [size * half - size / half for size in measured]


def _memory_text(point: Measurement, axis: SizeAxis) -> str:
    memory = point.memory
    assert memory is not None
    rows = [f"{label} {units.in_bytes(getattr(memory, field))}" for field, label, _ in reversed(PARTS)]
    peaks = [f"<b>peak {units.in_bytes(memory.peak)}</b>", f"forward pass alone {units.in_bytes(memory.forward_peak)}"]
    how = wrapped(memory.how) if memory.is_estimate else []
    return "<br>".join([f"<b>{heading(point, axis)}</b>", *rows, *peaks, *how, *wrapped(point.refusal)])


def _timing_text(point: Measurement, timing: Timing, label: str, axis: SizeAxis, peak_flops: float | None) -> str:
    quartiles = (
        f"half of {timing.repeats} repeats in {units.in_seconds(timing.lower)} – {units.in_seconds(timing.upper)}"
    )
    rows = [f"<b>{heading(point, axis)}</b>", f"{label} <b>{units.in_seconds(timing.median)}</b>", quartiles]
    if "B" in point.sizes:
        tokens = f", {point.sizes['B'] * point.sizes['T'] / timing.median:,.0f} tokens/s" if "T" in point.sizes else ""
        rows.append(f"{point.sizes['B'] / timing.median:,.0f} samples/s{tokens}")
    if timing is point.step and point.parts is not None:
        forward, backward, update = (units.in_seconds(part.median) for part in point.parts)
        rows.append(f"forward {forward}, backward {backward}, optimiser {update}")
    achieved = point.flops_per_second
    if achieved is not None and timing is (point.step or point.forward):
        share = f", {achieved / peak_flops:.0%} of the most that was measured here" if peak_flops else ""
        rows.append(f"{achieved / 1e9:,.1f} GFLOP/s{share}")
    return "<br>".join(rows + wrapped(point.refusal))
