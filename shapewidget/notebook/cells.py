"""Which widgets a cell shows: those of its earlier run are closed when it runs again, and what was open stays open.

A widget that is shown nowhere any more would be saved with the notebook all the same, and its model kept alive.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field

import ipywidgets
from IPython import get_ipython

from shapewidget.notebook.graph_view import GraphView


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one cell.

    Attributes:
        cell: What the notebook calls the cell; its code where the notebook gives no name.
        message: The request that it is run by.
    """

    cell: str
    message: str


@dataclass(slots=True)
class _Shown:
    """A widget on the page, and the cells that show it."""

    widget: weakref.ref[ipywidgets.Widget]
    view: Callable[[], GraphView | None]
    runs: list[Run] = field(default_factory=list)


class Cells:
    """The widgets that the cells of one kernel show.

    Args:
        running: Gives the run of the cell that runs now; None outside a notebook.
    """

    def __init__(self, running: Callable[[], Run | None]) -> None:
        self._running = running
        self._shown: list[_Shown] = []

    def show(self, widget: ipywidgets.Widget, view: GraphView | None = None) -> None:
        """Note that the running cell shows a widget, and close those that an earlier run of it showed.

        A widget that another cell shows too is left alone. The newest that is closed hands on which of its groups
        were open, what was selected and what its colours said, where it was of a model of the same name.
        """
        run = self._running()
        if run is None:
            return
        for shown in [each for each in self._shown if self._is_outdated(each, run)]:
            self._shown.remove(shown)
            old, its_view = shown.widget(), shown.view()
            if old is None or old is widget:
                continue
            if view is not None and its_view is not None:
                view.take_over(its_view)
            old.close()
        self._shown = [each for each in self._shown if each.widget() is not None]
        known = next((each for each in self._shown if each.widget() is widget), None)
        if known is None:
            known = _Shown(weakref.ref(widget), (lambda: None) if view is None else weakref.ref(view))
            self._shown.append(known)
        known.runs.append(run)

    @staticmethod
    def _is_outdated(shown: _Shown, run: Run) -> bool:
        """Whether every output that showed it is gone: they were of earlier runs of this cell."""
        return all(other.cell == run.cell and other.message != run.message for other in shown.runs)


def running_cell() -> Run | None:
    """The run of the cell that runs now, as the notebook names it."""
    shell = get_ipython()
    if shell is None or not hasattr(shell, "get_parent"):
        return None
    parent = shell.get_parent() or {}
    message = parent.get("header", {}).get("msg_id", "")
    cell = parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code", "")
    return Run(str(cell), str(message)) if cell and message else None


CELLS = Cells(running_cell)
"""Those of this kernel."""
