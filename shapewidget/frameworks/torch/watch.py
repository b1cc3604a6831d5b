"""Watch whatever code runs: several models, losses, training loops, functions that are no modules."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any

from shapewidget.frameworks.torch.epochs import EpochWatch
from shapewidget.frameworks.torch.recorder import Recorder
from shapewidget.frameworks.torch.training_log import TrainingWatch
from shapewidget.graph.batches import SamplerPasses
from shapewidget.graph.records import Recording
from shapewidget.graph.training import TrainingLog

MOST_NODES = 4_000
"""How much of a long training loop is recorded: its first steps tell what the others do."""


class Watch:
    """Records what a block runs, exactly as it would run without us: nothing is repaired, and gradients flow.

    Modules are named after their class, as in "Encoder.layers.0"; a second model of the class is "Encoder (2)".
    """

    def __init__(self) -> None:
        """Record nothing yet."""
        self._recorder = Recorder({}, repair=False, most_nodes=MOST_NODES)
        self._context = contextlib.ExitStack()
        self._epochs = EpochWatch()
        self._training = TrainingWatch(self._epochs.note, self._recorder.aside)

    def __enter__(self) -> Watch:
        """Begin."""
        self._context.enter_context(self._training.watching())
        self._context.enter_context(self._recorder.recording())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, and note the error that ended the block."""
        self._context.close()
        self._stopped = self._recorder.fail(error) if isinstance(error, Exception) else None

    @property
    def is_partial(self) -> bool:
        """Whether only the first part was recorded."""
        return self._recorder.is_full

    def recording(self) -> Recording:
        """What ran in the block."""
        return Recording(self._recorder.graph("captured code"), tuple(self._recorder.clashes), stopped=self._stopped)

    @property
    def deferred(self) -> None:
        """None: errors are raised where they arise."""
        return None

    def program(self, layer_id: str) -> None:
        """None: what ran in a block is not run again."""
        return None

    def same_epoch(self) -> tuple[SamplerPasses, ...]:
        """The samplers that were gone through several times at one epoch."""
        return self._epochs.unchanged()

    def training(self) -> TrainingLog:
        """The batches, backward passes and optimiser steps of the block."""
        return self._training.log()

    def loaders(self) -> tuple[tuple[Any, Any], ...]:
        """The `DataLoader`s of the block; which model reads one is not known."""
        return tuple((loader, None) for loader in self._training.draws.loaders)

    def failed_loader(self) -> tuple[Any, int] | None:
        """The loader that could not give a batch, and which."""
        return self._training.draws.failed
