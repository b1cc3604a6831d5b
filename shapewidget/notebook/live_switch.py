"""The switch that follows the real batches of a training loop, and what it says of them."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets
import traitlets

from shapewidget.graph.batches import BatchRecord
from shapewidget.probing.live import Live


class LiveSwitch(ipywidgets.HBox):
    """A toggle, and a line about the batches that came.

    Args:
        switched: Called with whether to follow.

    Attributes:
        toggle: The button.
        text: What is said.
    """

    value = traitlets.Bool(False)
    """Whether the loop is followed. May be set, observed and linked."""

    def __init__(self, switched: Callable[[bool], None]) -> None:
        self.toggle = ipywidgets.ToggleButton(description="Live", layout={"width": "80px"}, icon="circle-o")
        self.text = ipywidgets.Label()
        super().__init__([self.toggle, self.text])
        traitlets.link((self, "value"), (self.toggle, "value"))
        self.observe(lambda change: switched(change["new"]), "value")

    def say(self, live: Live | None) -> None:
        """Tell what came so far; nothing where nothing is followed."""
        if live is None or not live.count:
            self.text.value = "waits for the model to be called" if live is not None else ""
            return
        newest = live.batches[-1]
        odd = f" The first that differs: batch {live.odd.index}, {_shapes(live.odd)}." if live.odd is not None else ""
        self.text.value = f"batch {newest.index}: {_shapes(newest)}.{odd}"


def _shapes(batch: BatchRecord) -> str:
    return ", ".join(str(part.spec) for part in batch.parts[:3]) or "no tensor"
