"""The controls under the graph: a slider and a number box for every size, and a progress bar that can be cancelled.

Only what ipywidgets 7 and 8 both have. A slider moves over a table of sizes, not over a continuous scale: a browser
rounds what it is given to the steps of the slider and sends it back, which must not change a size typed into the box.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

import ipywidgets
import traitlets

from shapewidget.probing.sizes import SizeControl


def stops(low: int, high: int) -> list[int]:
    """The sizes that a slider stops at: the bounds, the powers of two between them, and one and a half times those."""
    powers = [2**exponent for exponent in range(high.bit_length())]
    between = {size for power in powers for size in (power, power * 3 // 2) if low <= size <= high}
    return sorted({low, high} | between)


class SizeInput(ipywidgets.VBox):
    """One size: a slider for its usual values, a number box for any other, and below them what is wrong.

    Attributes:
        control: What it moves, and how far.
        slider: The slider; its value is a place in the table of stops.
        box: The number box.
        message: Why a value was not taken, or why the size can't be moved.
    """

    value = traitlets.Int(1, min=1)
    """The size. May be set, observed and linked."""

    def __init__(self, control: SizeControl, *, continuous: bool) -> None:
        self.control = control
        self._stops = stops(control.low, control.high)
        refused = bool(control.refusal)
        self.slider = ipywidgets.IntSlider(
            value=self._nearest(control.value),
            min=0,
            max=max(len(self._stops) - 1, 1),  # a slider without a range is an error in the browser
            description=_without_tags(control.label),
            readout=False,
            continuous_update=continuous,
            disabled=refused,
            style={"description_width": "initial"},
            layout={"flex": "1 1 auto"},
        )
        # The value of a size that the model does not have is no value: the box keeps its room, unseen.
        room = {"width": "84px", "visibility": "hidden" if refused else "visible"}
        self.box = ipywidgets.IntText(value=control.value, disabled=refused, layout=room)
        self.message = ipywidgets.HTML()  # a Label would cut a long reason off
        self._say(control.refusal)
        row = ipywidgets.HBox([self.slider, self.box])
        super().__init__(
            [row, self.message], layout={"flex": "1 1 260px", "max_width": "420px", "margin": "2px 18px 2px 0"}
        )
        self.value = control.value
        for widget in (self.slider, self.box):
            _set_tooltip(widget, control.refusal or f"{control.label}, {control.low} to {control.high} on the slider")
        self.slider.observe(self._on_slider, "value")
        self.box.observe(self._on_box, "value")
        self.observe(self._on_value, "value")

    def _nearest(self, size: int) -> int:
        """The place of the stop that is nearest by ratio."""
        return min(range(len(self._stops)), key=lambda place: abs(math.log(self._stops[place] / size)))

    def _on_slider(self, change: dict[str, int]) -> None:
        if change["new"] != self._nearest(self.value):
            self.value = self._stops[min(change["new"], len(self._stops) - 1)]

    def _on_box(self, change: dict[str, int]) -> None:
        if change["new"] >= 1:
            self.value = change["new"]
            return
        self.box.value = self.value
        self._say(f"{self.control.label} must be a whole number from 1, not {change['new']}.")

    def _on_value(self, change: dict[str, int]) -> None:
        self._say("")
        self.slider.value = self._nearest(self.value)
        self.box.value = self.value

    def _say(self, text: str) -> None:
        self.message.value = f'<div style="line-height:1.4">{escape(text, quote=False)}</div>' if text else ""


class Progress(ipywidgets.HBox):
    """A bar with a Cancel button, hidden at first.

    Args:
        cancel: Called when the button is pressed.

    Attributes:
        bar: Its value is the share done, 0 to 1.
        text: What is being done.
        button: The Cancel button.
    """

    def __init__(self, cancel: Callable[[], None]) -> None:
        self.bar = ipywidgets.FloatProgress(min=0, max=1, layout={"width": "160px"})
        self.text = ipywidgets.Label()
        self.button = ipywidgets.Button(description="Cancel", layout={"width": "80px"})
        self.button.on_click(lambda _: cancel())
        # Hidden, not removed: what stands below would jump each time it comes and goes.
        super().__init__([self.bar, self.button, self.text], layout={"visibility": "hidden"})

    def show(self) -> None:
        """Show it."""
        self.layout.visibility = "visible"

    def hide(self) -> None:
        """Hide it."""
        self.layout.visibility = "hidden"


def close_all(widgets: Sequence[ipywidgets.Widget]) -> None:
    """Close widgets with all that they consist of."""
    for widget in widgets:
        close_all(getattr(widget, "children", ()))
        for part in (getattr(widget, "layout", None), getattr(widget, "style", None)):
            if part is not None:
                part.close()
        widget.close()


def _without_tags(text: str) -> str:
    """Text for a description, which ipywidgets 7 takes for HTML."""
    return text.replace("<", "‹")


def _set_tooltip(widget: ipywidgets.Widget, text: str) -> None:
    """The trait's name differs between ipywidgets 7 and 8."""
    setattr(widget, "tooltip" if widget.has_trait("tooltip") else "description_tooltip", text)
