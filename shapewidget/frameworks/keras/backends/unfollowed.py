"""A training loop of a backend whose backward passes are not seen: nothing is said of its steps."""

from __future__ import annotations

import contextlib
from typing import Any

from shapewidget.graph.training import TrainingLog


class UnfollowedTraining:
    """In the place of a `TrainingWatch`.

    Attributes:
        draws: What was drawn from loaders.
    """

    class _Draws:
        def __init__(self) -> None:
            self.failed: tuple[Any, int] | None = None
            self.datasets: list[Any] = []

    def __init__(self) -> None:
        """Nothing is known."""
        self.draws = self._Draws()

    def watching(self) -> contextlib.AbstractContextManager[None]:
        """Let the block run."""
        return contextlib.nullcontext()

    def log(self) -> TrainingLog:
        """Empty: nothing can be held against a loop that was not followed."""
        return TrainingLog()
