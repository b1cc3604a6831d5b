"""The name that a person knows a source by: "In [3]" of a notebook cell, "tagger.py" of a file."""

from __future__ import annotations

import linecache
import re
import sys
from pathlib import Path
from typing import Any

_SHELL_CELL = re.compile(r"<ipython-input-(\d+)-")
_CELL_MAGIC = re.compile(r"\A\s*(?:# )?%%.*")
_KERNEL_CELL = re.compile(r"[\\/]ipykernel_\d+[\\/][^\\/]+\.py$")


def label(filename: str) -> str:
    """The label of a source, given its name as Python knows it."""
    if found := _SHELL_CELL.match(filename):
        return f"In [{found[1]}]"
    number = _execution_count(filename)
    if number is not None:
        return f"In [{number}]"
    return "a notebook cell" if _KERNEL_CELL.search(filename) else Path(filename).name or filename


def _execution_count(filename: str) -> int | None:
    shell = _shell()
    if shell is None:
        return None
    numbers = getattr(shell.compile, "_filename_map", {})
    if filename in numbers:
        return int(numbers[filename]) or None
    return _by_text(filename, shell.history_manager) if _KERNEL_CELL.search(filename) else None


def _by_text(filename: str, history: Any) -> int | None:
    """IPython before 8 keeps no map from file names to cells: the latest cell of the same text is the one.

    A cell with magics runs as IPython rewrites it, the code below a cell magic as it was written.
    """
    text = _below_a_magic("".join(linecache.getlines(filename)))
    cells = list(enumerate(zip(history.input_hist_parsed, history.input_hist_raw, strict=True)))
    return next((number for number, pair in reversed(cells) if text and text in map(_below_a_magic, pair)), None)


def _below_a_magic(cell: str) -> str:
    """The code of a cell without the line of a cell magic, which may have become a comment."""
    return _CELL_MAGIC.sub("", cell).strip()


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
