"""The plots of a sweep that grow under its cell while it runs, with a button that ends it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from html import escape
from typing import TYPE_CHECKING

import ipywidgets
from IPython import get_ipython
from IPython.display import display

from shapewidget.notebook.cells import CELLS
from shapewidget.notebook.controls import close_all
from shapewidget.notebook.plot_view import PlotView

if TYPE_CHECKING:
    from shapewidget.probing.sweep import Sweep

_SHARE_OF_TIME = 10
"""A figure is drawn again after so many times as long as drawing it took."""


class SweepView(ipywidgets.VBox):
    """Memory and time of the points so far.

    Args:
        sweep: What is shown.

    Attributes:
        button: Ends the sweep.
        text: How far it is.
        plots: A plot for each column that is shown.
    """

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._next = 0.0
        shown = {"width": "80px", "display": "" if _can_hear() else "none"}
        self.button = ipywidgets.Button(description="Cancel", layout=shown)
        self.button.on_click(lambda _: sweep.cancel())
        _let_be_heard(self.button)
        self.text = ipywidgets.HTML()
        beside = {"flex": "1 1 380px", "min_width": "0"}
        self.plots = {column: PlotView(label=label, layout=beside) for column, label in _columns(sweep).items()}
        plots = ipywidgets.HBox(list(self.plots.values()), layout={"flex_flow": "row wrap"})
        super().__init__([ipywidgets.HBox([self.button, self.text]), plots])

    def show(self, *, is_last: bool = False) -> None:
        """Draw what was measured, but not so often that drawing would take up the time."""
        started = time.monotonic()
        if started < self._next and not is_last:
            return
        self._say()
        if self._sweep.points:
            for column, plot in self.plots.items():
                plot.show(self._sweep.plot(column))
        done = time.monotonic()
        self._next = done + _SHARE_OF_TIME * (done - started)

    def _say(self) -> None:
        is_over = self._sweep.is_cancelled or not self._sweep.pending
        end = (
            ""
            if is_over
            else " Interrupting the cell ends it too."
            if _can_hear()
            else " Interrupt the cell to end it."
        )
        self.text.value = f"<span>{escape(repr(self._sweep).strip('<>'), quote=False)}.{end}</span>"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Follow the sweep for as long as it runs."""
        with ExitStack() as stack:
            for plot in self.plots.values():
                stack.enter_context(plot.bring_library())
            self._say()
            CELLS.show(self)
            display(self)
            try:
                yield
            finally:
                self.button.layout.display = "none"
                self.show(is_last=True)

    def close(self) -> None:
        """Close it with all its parts."""
        if self.comm is not None:
            close_all([*self.children, self.layout])
            super().close()


def _columns(sweep: Sweep) -> dict[str, str]:
    timed = "step_seconds" if sweep.is_training else "forward_seconds"
    return {"peak_bytes": "Memory", timed: "Time"}


def _let_be_heard(button: ipywidgets.Button) -> None:
    """Let a click arrive while the cell runs, where the page has a shell of its own for widgets.

    ipykernel 7.4 hands what a page says of a widget to the shell that spoke of the widget last: here the one that is
    busy with the cell. Without that note it goes where the page sent it.
    """
    vars(button.comm).pop("_reply_subshell_id", None)


def _can_hear() -> bool:
    """Whether the kernel can take a click while a cell runs."""
    return bool(getattr(getattr(get_ipython(), "kernel", None), "_supports_kernel_subshells", False))


def is_in_notebook() -> bool:
    """Whether there is a kernel that can show widgets."""
    return getattr(get_ipython(), "kernel", None) is not None
