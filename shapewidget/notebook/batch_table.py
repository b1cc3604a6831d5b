"""The batches of a loader as a table that sanitizers keep: a row for each run of batches that are alike."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from shapewidget.errors import ShapeWidgetError
from shapewidget.graph.batches import BatchRecord, Part
from shapewidget.probing.timeline import Timeline

if TYPE_CHECKING:
    from pandas import DataFrame

_CELL = "text-align:left;vertical-align:top;padding:2px 10px 2px 0"
_MOST_ROWS = 40
_MOST_PARTS = 6
_LONGEST = 160


def batches_frame(timeline: Timeline) -> DataFrame:
    """A row for every batch.

    Raises:
        ShapeWidgetError: pandas is not installed.
    """
    try:
        from pandas import DataFrame
    except ImportError:
        raise ShapeWidgetError(
            "The batches were asked for as a data frame, and pandas is not installed. Install it with "
            "`pip install pandas`, or go through `report.batches.rows()`."
        ) from None
    return DataFrame(list(timeline.rows()))


def batches_table(timeline: Timeline) -> str:
    """Which batches, of what size, length and padding, and what they hold; of ranks the sizes of their batches."""
    rows = list(_of_ranks(timeline) if timeline.ranks is not None else _of_batches(timeline))
    head = ("rank", "batches", "samples", "sizes") if timeline.ranks is not None else _HEAD
    more = f"<p>… and {len(rows) - _MOST_ROWS:,} more rows.</p>" if len(rows) > _MOST_ROWS else ""
    lines = [_row(head, "th"), *(_row(row, "td") for row in rows[:_MOST_ROWS])]
    return f'<table style="border-collapse:collapse">{"".join(lines)}</table>{more}'


_HEAD = ("batch", "size", "length", "padding", "holds")


def _of_batches(timeline: Timeline) -> Iterator[tuple[str, ...]]:
    for _, group in groupby(timeline, lambda batch: batch.shapes):
        run = list(group)
        first, last = run[0], run[-1]
        yield (
            str(first.index) if first is last else f"{first.index}–{last.index}",
            str(first.size if first.size is not None else "?"),
            str(first.length or ""),
            _padding(run),
            _holds(first),
        )


def _padding(run: list[BatchRecord]) -> str:
    shares = [batch.padding for batch in run if batch.padding is not None]
    if not shares:
        return ""
    low, high = f"{100 * min(shares):.0f}", f"{100 * max(shares):.0f}"
    return f"{low} %" if low == high else f"{low}–{high} %"


def _holds(batch: BatchRecord) -> str:
    shown = [_part(part) for part in batch.parts[:_MOST_PARTS]]
    more = [f"and {len(batch.parts) - _MOST_PARTS} more"] if len(batch.parts) > _MOST_PARTS else []
    return "; ".join([*shown, *more])


def _part(part: Part) -> str:
    device = "" if part.spec.device == "cpu" else f" on {part.spec.device}"
    return f"{'targets' if part.is_target else 'inputs'}{part.name} {part.spec} {part.spec.dtype}{device}"


def _of_ranks(timeline: Timeline) -> Iterator[tuple[str, ...]]:
    for share in timeline.ranks.shares if timeline.ranks is not None else ():
        runs = [(size, len(list(group))) for size, group in groupby(share.sizes)]
        sizes = ", ".join(str(size) if count == 1 else f"{count} × {size}" for size, count in runs[:8])
        yield str(share.rank), str(share.batches), str(len(share.rows)), sizes + (", …" if len(runs) > 8 else "")


def _row(cells: tuple[str, ...], tag: str) -> str:
    return "<tr>" + "".join(f'<{tag} style="{_CELL}">{_escaped(cell)}</{tag}>' for cell in cells) + "</tr>"


def _escaped(text: str) -> str:
    return escape(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")
