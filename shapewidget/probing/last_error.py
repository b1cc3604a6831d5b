"""The exception last raised in this kernel or interpreter; imports nothing, so that a magic can ask for it."""

from __future__ import annotations

import sys

_SAID = ("UsageError", "CellFailed")
"""Errors of magics, which say themselves what they have to say."""


def last_error() -> Exception | None:
    """IPython's last error, or else the interpreter's; None if there was none, or only a wrong use of a magic."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    of_cell = getattr(getattr(shell, "last_execution_result", None), "error_in_exec", None)
    of_process = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    found = of_cell if of_cell is not None else of_process
    return found if isinstance(found, Exception) and type(found).__name__ not in _SAID else None
