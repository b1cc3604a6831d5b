"""A report where a terminal shows it: in colours and wrapped, by rich."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

from shapewidget.probing.report import Report
from shapewidget.probing.report_text import Line, lines

if TYPE_CHECKING:
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

_STYLES = {
    "title": "bold",
    "remark": "dim",
    "mismatch": "bold red",
    "coincidence": "bold dark_orange",
    "note": "bold",
    "code": "cyan",
    "removed": "red",
    "added": "blue",
    "broken": "red",
}
"""The style of each kind of line: the palette of the graph, as near as a terminal has it."""


def coloured(report: Report) -> Group:
    """The same lines for rich; what does not fit on a line goes on under its first word."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    def block(line: Line) -> Padding | Text:
        words = line.text.lstrip()
        text = Text(words, style=_STYLES.get(line.kind, ""))
        return Padding(text, (0, 0, 0, len(line.text) - len(words)), expand=False) if words else text

    return Group(*map(block, lines(report)))


def printed(report: Report) -> str:
    """What a prompt shows: coloured by rich, where that is installed and standard output is a terminal."""
    if not sys.stdout.isatty() or importlib.util.find_spec("rich") is None:
        return str(report)
    from rich.console import Console

    console = Console(force_terminal=True)
    with console.capture() as captured:
        console.print(coloured(report), end="")
    return captured.get()
