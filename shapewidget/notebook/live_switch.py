"""The switch that follows the real batches of a training loop, and what it says of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
        self.observe(self._switch, "value")
        self._switched = switched

    def _switch(self, change: dict[str, Any]) -> None:
        self.toggle.icon = "dot-circle-o" if change["new"] else "circle-o"
        self._switched(change["new"])

    def say(self, live: Live | None) -> None:
        """Tell what came so far; nothing where nothing is followed."""
        if live is None or not live.count:
            self.text.value = "waits for the model to be called" if live is not None else ""
            return
        first, newest, odd = live.batches[0], live.batches[-1], live.odd
        what = "batch" if live.is_every else "looked-at batch"
        said = (
            [f"⚠ {what} {odd.index} differs: {_shapes(odd)}, the first had {_shapes(first)}"] if odd is not None else []
        )
        if newest is not odd:
            said.append(f"{what} {newest.index}: {_shapes(newest)}")
        self.text.value = " · ".join(said)


def _shapes(batch: BatchRecord) -> str:
    return ", ".join(str(part.spec) for part in batch.parts[:3]) or "no tensor"
