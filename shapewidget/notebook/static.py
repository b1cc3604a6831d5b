"""A report where no kernel runs: a saved notebook, nbconvert, a code host's own renderer.

What sanitizers keep is all there is: tables, inline styles and the graph as an image, no script, no style block, no
bare SVG. Every text that comes from a model is escaped.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from html import escape

from shapewidget.diagnosis.findings import Finding
from shapewidget.diagnosis.repeated import by_mistake
from shapewidget.graph.records import Layer, LayerKind
from shapewidget.notebook import picture, terminal
from shapewidget.notebook.batch_table import batches_table
from shapewidget.probing.outline import Row, outline, shapes
from shapewidget.probing.report import Report
from shapewidget.probing.report_text import SIGNS, elsewhere, place

MOST_CHARACTERS = 40_000
"""How long the tables may get: a saved notebook holds them for each time that a cell ran."""

LONGEST_TEXT = 300
"""Characters of one cell, as names come from a model and may be of any length."""

FINDING = ("", "where", "what is wrong", "fix", "source")
LAYER = ("layer", "type", "gives", "parameters", "")
_CELL = "text-align:left;vertical-align:top;padding:2px 10px 2px 0"


def html(report: Report) -> str:
    """The graph as a picture, the findings and an outline of the layers as tables."""
    device = f" on {_escaped(report.device)}" if report.device else ""
    parts = [f"<p><b>{_escaped(report.graph.title)}</b>{device}</p>"]
    parts += [f"<p>{_prose(note)}</p>" for note in report.notes]
    if report.stopped is not None:
        parts.append(f"<p>The run ended early: {_escaped(report.stopped)}</p>")
    room = MOST_CHARACTERS - sum(map(len, parts))
    if report.findings:
        rows = (_finding(first, others) for first, *others in by_mistake(report.findings))
        parts.append(_table(FINDING, rows, room // 2, "findings"))
    elif report.stopped is None and (report.graph.layers or report.batches is not None):
        parts.append("<p>All shapes agree.</p>")
    if report.batches is not None:
        parts.append(batches_table(report.batches))
    if report.graph.layers:
        parts.append(_image(report))
        parts.append(_table(LAYER, map(_layer, outline(report.graph)), room // 2, "layers"))
    if report.graph.sizes:
        parts.append(f"<p>{_escaped(', '.join(f'{name} = {size}' for name, size in report.graph.sizes.items()))}</p>")
    return "\n".join(parts)


def text(report: Report) -> str:
    """The report as text of no more than a page's length."""
    whole = terminal.printed(report)
    if len(whole) <= MOST_CHARACTERS:
        return whole
    kept = whole[:MOST_CHARACTERS].rsplit("\n", 1)[0]
    return f"{kept}\n… and {whole.count(chr(10)) - kept.count(chr(10))} more lines: print(report) shows them all."


def _image(report: Report) -> str:
    data = b64encode(picture.svg(report.graph).encode()).decode()
    words = _escaped(picture.alternative(report.graph))
    return f'<p><img alt="{words}" style="max-width:100%" src="data:image/svg+xml;base64,{data}"></p>'


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], room: int, what: str) -> str:
    """Rows of HTML as long as there is room; the others are counted."""
    lines = [_row(head, "th")]
    left_out = 0
    for row in rows:
        line = _row(row, "td")
        room -= len(line)
        if room < 0:
            left_out += 1
        else:
            lines.append(line)
    more = f"<p>… and {left_out} more {what}.</p>" if left_out else ""
    return f'<table style="border-collapse:collapse">{"".join(lines)}</table>{more}'


def _row(cells: tuple[str, ...], tag: str) -> str:
    return "<tr>" + "".join(f'<{tag} style="{_CELL}">{cell}</{tag}>' for cell in cells) + "</tr>"


def _escaped(text: str) -> str:
    return escape(text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…")


def _prose(text: str) -> str:
    """A sentence; what stands between backticks is code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", _escaped(text))


def _finding(finding: Finding, others: list[Finding]) -> tuple[str, ...]:
    fix = f"{finding.fix} (run, and it holds)" if finding.verified else finding.fix
    return (
        f"{SIGNS[finding.severity]} {finding.code}",
        _escaped(place(finding)),
        _prose(f"{finding.title}. {finding.reason}{elsewhere(finding, others)}"),
        _prose(fix),
        _escaped(str(finding.source or "")),
    )


def _layer(row: Row) -> tuple[str, ...]:
    layer, badge = row.layer, row.badge
    return (
        _escaped("\N{NO-BREAK SPACE}" * 4 * min(row.level, 12) + row.name),
        "" if layer.type == layer.name else _escaped(layer.type),
        _escaped(f"as {row.like}" if row.like else _gives(layer)),
        f"{layer.parameters:,}" if layer.parameters else "",
        "" if badge is None else _escaped(picture.SIGNS[badge.state] + badge.badge),
    )


def _gives(layer: Layer) -> str:
    return "" if layer.kind is LayerKind.GROUP else shapes(layer.outputs)
