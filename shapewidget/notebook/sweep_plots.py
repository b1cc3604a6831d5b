"""A sweep as a plotly figure: curves over one axis, a curve for each value of the others, or a heat map over two.

Over an axis that is no number, as a kind of cell, there are bars: nothing lies between two kinds.
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shapewidget.errors import InputError
from shapewidget.notebook import units
from shapewidget.notebook.plot_frame import GREY, GRID, VERMILLION, readable_ticks, wrapped
from shapewidget.notebook.plots import BLUE, ORANGE, PURPLE, SKY
from shapewidget.probing.grid import SweepAxis

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Row = Mapping[str, Any]

_COLOURS = (BLUE, ORANGE, PURPLE, SKY, GREY)
_DASHES, _PATTERNS = ("solid", "dash", "dot", "dashdot"), ("", "/", ".", "x")
"""Of curves, and of bars in their place."""

_PALE_VERMILLION = "rgba(213, 94, 0, 0.18)"
_MOST_TICKS, _FEW_CURVES = 8, 3
_LIFTED = 0.03
"""How far above the bottom failed points are drawn, as a share of the largest value: clear of the labels."""

_MODEL = "model"
"""What is varied between sweeps that are compared."""


def sweep_figure(
    axes: Sequence[SweepAxis], rows: Sequence[Row], value: str, title: str, *, as_curves: bool = False
) -> Figure:
    """Draw one column of a sweep.

    Args:
        axes: What was varied.
        rows: Of `Sweep.rows`.
        value: The column to draw.
        title: Class of the model.
        as_curves: Whether two axes too are drawn as curves.

    Raises:
        InputError: There is no such column.
    """
    if rows and value not in rows[0]:
        drawable = [name for name in rows[0] if name.endswith(("_bytes", "_seconds", "_second", "flops", "_peak"))]
        raise InputError(f"A sweep has no {value!r}. Expected one of {', '.join(drawable)}.")
    label, scale = _labelled(value, max((row[value] or 0 for row in rows), default=0))
    if not as_curves and len(axes) == 2 and all(len(axis.values) > 1 for axis in axes):
        figure = _heat_map(axes, rows, value, scale, label)
    else:
        figure = _curves(axes, rows, value, scale, label)
    figure.update_layout(
        title={"text": html.escape(f"{title}: {label}"), "font": {"size": 13}},
        template="none",
        paper_bgcolor="rgba(0, 0, 0, 0)",
        plot_bgcolor="rgba(0, 0, 0, 0)",
        font={"size": 11, "color": GREY},
        margin={"l": 60, "r": 16, "t": 44, "b": 44},
    )
    return figure


def comparison_figure(sweeps: Sequence[tuple[Sequence[SweepAxis], Sequence[Row], str]], value: str) -> Figure:
    """Draw one column of several sweeps as curves over the same axes.

    Args:
        sweeps: Axes, rows and title of each; equal titles are told apart by numbers.
        value: The column to draw.

    Raises:
        InputError: They are over different things, or have no such column.
    """
    keywords = [[axis.keyword for axis in axes] for axes, _, _ in sweeps]
    if any(other != keywords[0] for other in keywords):
        said = " and ".join(", ".join(names) for names in keywords)
        raise InputError(f"Only sweeps over the same sizes can be compared; these are over {said}.")
    merged = {
        axis.keyword: tuple(dict.fromkeys(it for axes, _, _ in sweeps for it in axes[place].values))
        for place, axis in enumerate(sweeps[0][0])
    }
    axes = [SweepAxis(name, name, values) for name, values in merged.items()]
    given = [title for _, _, title in sweeps]
    titles = [f"{it} ({number})" if given.count(it) > 1 else it for number, it in enumerate(given, start=1)]
    rows = [{**row, _MODEL: title} for (_, own, _), title in zip(sweeps, titles, strict=True) for row in own]
    models = SweepAxis(_MODEL, _MODEL, tuple(titles))
    return sweep_figure([models, *axes], rows, value, "Comparison", as_curves=True)


def told_apart(titles: Sequence[str], settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The titles of sweeps, with the settings in which those of one title differ: "Tagger, cell gru"."""
    named = []
    for title, own in zip(titles, settings, strict=True):
        alike = [other for name, other in zip(titles, settings, strict=True) if name == title]
        different = [f"{key} {it}" for key, it in own.items() if any(other.get(key) != it for other in alike)]
        named.append(", ".join([title, *different]))
    return named


def _labelled(value: str, largest: float) -> tuple[str, float]:
    """What a column is called on a plot, with its unit, and what that unit is worth."""
    stem, _, kind = value.rpartition("_")
    words = stem.replace("_", " ")
    if kind in ("bytes", "seconds"):
        unit, scale = units.of_bytes(largest) if kind == "bytes" else units.of_seconds(largest)
        return f"{words} ({unit})", scale
    if value in ("flops", "flops_per_second"):
        prefix, scale = units.of_counts(largest)
        return f"{prefix}FLOP{'/s' if stem else ''}", scale
    if value == "share_of_peak":
        return "share of the most FLOP/s that were measured (%)", 0.01
    return value.replace("_", " "), 1.0


def _heat_map(axes: Sequence[SweepAxis], rows: Sequence[Row], value: str, scale: float, label: str) -> Figure:
    """Cells of bars one high, as the part of plotly.js that is shipped has no heat maps."""
    from plotly import graph_objects

    up, across = axes
    known = [row for row in rows if row[value] is not None]
    figure = graph_objects.Figure()
    amounts = [row[value] / scale for row in known]
    colours = {"color": amounts, "colorscale": "Cividis", "showscale": bool(known)}
    bar = {"title": {"text": label, "side": "right"}, "thickness": 14}
    _add_cells(figure, known, axes, [f"{amount:.3g}" for amount in amounts], {**colours, "colorbar": bar}, label)
    failed = [row for row in rows if row[value] is None]
    reasons = ["×" if row["fits"] else "full" for row in failed]
    _add_cells(figure, failed, axes, reasons, {"color": _PALE_VERMILLION}, "")
    for axis, update in ((across, figure.update_xaxes), (up, figure.update_yaxes)):
        update(
            title={"text": html.escape(axis.keyword)},
            tickvals=list(range(len(axis.values))),
            ticktext=[html.escape(str(it)) for it in axis.values],
            range=[-0.5, len(axis.values) - 0.5],
            showgrid=False,
            zeroline=False,
        )
    figure.update_layout(barmode="overlay", bargap=0, showlegend=False)
    return figure


def _add_cells(
    figure: Figure,
    rows: Sequence[Row],
    axes: Sequence[SweepAxis],
    texts: Sequence[str],
    marker: Mapping[str, Any],
    label: str,
) -> None:
    """A cell for every row, with what it is on hover: the sizes, and the value or why there is none."""
    up, across = axes
    hover = [
        "<br>".join([_heading(row, axes), *([f"{label} {text}"] if label else wrapped(row["refusal"]))])
        for row, text in zip(rows, texts, strict=True)
    ]
    figure.add_bar(
        x=[across.values.index(row[across.keyword]) for row in rows],
        y=[1] * len(rows),
        base=[up.values.index(row[up.keyword]) - 0.5 for row in rows],
        width=1,
        text=texts,
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        constraintext="none",
        insidetextfont={} if label else {"color": VERMILLION, "size": 13},
        marker={**marker, "line": {"width": 0}},
        hovertext=hover,
        hoverinfo="text",
    )


def _heading(row: Row, axes: Sequence[SweepAxis]) -> str:
    """First line of a hover text."""
    said = [str(row[it.keyword]) if it.keyword == _MODEL else f"{it.keyword} {row[it.keyword]}" for it in axes]
    return f"<b>{html.escape(', '.join(said))}</b>"


def _curves(axes: Sequence[SweepAxis], rows: Sequence[Row], value: str, scale: float, label: str) -> Figure:
    """Over the longest axis of numbers, a curve for every combination of the others."""
    from plotly import graph_objects

    along = max(axes, key=lambda axis: (axis.is_numeric, len(axis.values)))
    others = [axis for axis in axes if axis is not along and len(axis.values) > 1]
    figure = graph_objects.Figure()
    largest = max((row[value] or 0 for row in rows), default=0)
    combinations = list(itertools.product(*(axis.values for axis in others)))
    for combination, style in zip(combinations, _styles(others, len(combinations)), strict=True):
        chosen = dict(zip([axis.keyword for axis in others], combination, strict=True))
        line = [row for row in rows if all(row[name] == wanted for name, wanted in chosen.items())]
        line.sort(key=lambda row: along.values.index(row[along.keyword]))
        name = ", ".join(str(wanted) if key == _MODEL else f"{key} {wanted}" for key, wanted in chosen.items())
        _add_line(figure, line, along, value, scale, html.escape(name), style)
    _add_failed(figure, [row for row in rows if row[value] is None], axes, along, _LIFTED * largest / scale)
    numbers = along.is_numeric and min(along.values) > 0
    figure.update_xaxes(
        type="log" if numbers and max(along.values) / min(along.values) > 4 else "-",
        title={"text": html.escape(along.keyword), "standoff": 6},
        tickvals=_ticks(along),
        gridcolor=GRID,
        zeroline=False,
    )
    # Beside the curves a narrow cell has no room. The more entries, the lower the curves that the shares are of.
    below = -0.34 if len(combinations) > _FEW_CURVES else -0.2
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": below, "yanchor": "top", "itemwidth": 40})
    figure.update_yaxes(title={"text": label}, rangemode="tozero", gridcolor=GRID, zerolinecolor=GRID)
    return figure


def _ticks(along: SweepAxis) -> list[float] | None:
    """Where the values are written: at each of a few, at those of many that have room, or where plotly likes."""
    if not along.is_numeric:
        return None
    values = sorted(along.values)
    return readable_ticks(values) if values[0] > 0 else values if len(values) <= _MOST_TICKS else None


def _styles(others: Sequence[SweepAxis], count: int) -> list[dict[str, Any]]:
    """A colour for every curve; where models are compared over several settings, a colour a setting, a dash a model."""
    models = len(others[0].values) if others and others[0].keyword == _MODEL else 1
    settings = count // models
    if settings == 1:
        return [{"color": _COLOURS[number % len(_COLOURS)]} for number in range(count)]
    return [
        {"color": _COLOURS[number % settings % len(_COLOURS)], "dash": _DASHES[number // settings % len(_DASHES)]}
        for number in range(count)
    ]


def _add_line(
    figure: Figure,
    rows: Sequence[Row],
    along: SweepAxis,
    value: str,
    scale: float,
    name: str,
    style: Mapping[str, Any],
) -> None:
    known = [row for row in rows if row[value] is not None]
    bounds = value.removesuffix("_seconds")
    spread = {}
    if value.endswith("_seconds"):
        spread["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": [(row[f"{bounds}_upper"] - row[value]) / scale for row in known],
            "arrayminus": [(row[value] - row[f"{bounds}_lower"]) / scale for row in known],
        }
    common = {"y": [row[value] / scale for row in known], "name": name, "showlegend": bool(name), **spread}
    if along.is_numeric:
        x = [row[along.keyword] for row in known]
        figure.add_scatter(x=x, mode="lines+markers", line={**style, "width": 2}, **common)
    else:
        pattern = _PATTERNS[_DASHES.index(style.get("dash", _DASHES[0]))]
        x = [_category(row, along) for row in known]
        figure.add_bar(x=x, marker={"color": style["color"], "pattern": {"shape": pattern}}, **common)
        figure.update_traces(error_y_color=GREY, selector={"type": "bar"})


def _category(row: Row, along: SweepAxis) -> str:
    return html.escape(str(row[along.keyword]))


def _add_failed(
    figure: Figure, failed: Sequence[Row], axes: Sequence[SweepAxis], along: SweepAxis, height: float
) -> None:
    """Points without a value, near the bottom, with the reason."""
    if failed:
        figure.add_scatter(
            x=[row[along.keyword] if along.is_numeric else _category(row, along) for row in failed],
            y=[height] * len(failed),
            mode="markers",
            name="did not run or fit",
            marker={"symbol": "x", "size": 9, "color": VERMILLION},
            hovertext=["<br>".join([_heading(row, axes), *wrapped(row["refusal"])]) for row in failed],
            hoverinfo="text",
        )
