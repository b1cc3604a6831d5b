"""What PyTorch and JAX leave to Keras: their backward passes and their memory are not seen."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import Any

from shapewidget.graph.costs import Measurement
from shapewidget.graph.training import TrainingLog


class Plain:
    """The part of a `Backend` that is the same for them."""

    def training_watch(self) -> UnfollowedTraining:
        """Nothing: backward passes are not seen."""
        return UnfollowedTraining()

    def measure(self) -> Callable[..., Generator[None, None, Measurement]]:
        """Time alone."""
        from shapewidget.frameworks.keras.fitted import measure

        return measure

    def peak_flops(self, device: str) -> float | None:
        """None: the operations of a step are not counted."""
        return None


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
