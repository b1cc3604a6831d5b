"""The batch that a training loop has drawn last, beside what it does with it."""

from __future__ import annotations

from typing import Any

from shapewidget.frameworks.nesting import size_of
from shapewidget.graph.training import BackwardPass, Event, StreamEnd


class LastBatch:
    """What was drawn last; the ends of passes are noted among the events of a loop.

    Attributes:
        events: What the loop does, in order.
        last: The pass that gave the last batch, how many it had given, and the samples of the last; no pass where no
            batch was drawn, or where all were collected before any was learned from.
    """

    def __init__(self) -> None:
        """Nothing happened yet."""
        self.events: list[Event] = []
        self.last: tuple[int | None, int, int | None] = (None, 0, None)

    def draw(self, stream: int, drawn: int, batch: Any) -> None:
        """A batch was drawn."""
        self.last = stream, drawn, size_of(batch)

    def end(self, stream: int, drawn: int) -> None:
        """A pass came to its end."""
        self.events.append(StreamEnd(stream, drawn))
        if self.last[0] == stream and not any(isinstance(e, BackwardPass) and e.stream == stream for e in self.events):
            self.last = (None, 0, None)  # its batches were collected first, and are learned from later
