"""The largest size that fits, as a number under the plots, and the button that finds it by running."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import ipywidgets

from shapewidget.notebook import units
from shapewidget.probing.largest import Largest


class LimitRow(ipywidgets.HBox):
    """Says what fits.

    Args:
        search: Called when the button is pressed.

    Attributes:
        text: What is known.
        button: Starts the search; hidden while there is nothing to search.
    """

    def __init__(self, search: Callable[[], None]) -> None:
        self.text = ipywidgets.HTML()
        self.button = ipywidgets.Button(description="Find it by running", layout={"width": "150px"})
        self.button.on_click(lambda _: search())
        super().__init__([self.text, self.button], layout={"visibility": "hidden", "align_items": "center"})

    def show(self, largest: Largest | None, label: str, device: str) -> None:
        """Say what is known of the largest size; nothing when that is nothing."""
        if largest is not None:
            self.text.value = f"<span>{escape(_sentence(largest, label, device), quote=False)}</span>"
        self.layout.visibility = "hidden" if largest is None else "visible"
        self.button.layout.visibility = "hidden" if largest is None or largest.measured else "inherit"


def _sentence(largest: Largest, label: str, device: str) -> str:
    free = f"({units.in_bytes(largest.capacity)} are free on {device})"
    if not largest.size:
        return f"No {label} fits {free}."
    if largest.is_endless:
        return f"Every {label} up to {largest.size:,} fits {free}."
    how = "measured" if largest.measured else "predicted"
    return f"Largest {label} that fits: {'' if largest.measured else 'about '}{largest.size:,}, {how} {free}."
