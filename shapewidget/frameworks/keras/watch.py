"""Watch whatever code runs: building models, `fit`, losses, training loops."""

from __future__ import annotations

import contextlib
import warnings
from types import TracebackType
from typing import Any

from shapewidget.frameworks.adapter import Called, Program
from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.frameworks.keras.datasets import failed_py_dataset
from shapewidget.frameworks.keras.lines import lines_of
from shapewidget.frameworks.keras.programs import TracedProgram
from shapewidget.frameworks.keras.recorder import Recorder
from shapewidget.frameworks.keras.weights import WeightsProgram
from shapewidget.graph.batches import SamplerPasses
from shapewidget.graph.records import LayerKind, Recording
from shapewidget.graph.training import TrainingLog

MOST_NODES = 4_000
"""How much of a long training loop is recorded: its first steps tell what the others do."""


class Watch:
    """Records what a block runs. `fit` and every `tf.function` run eagerly meanwhile, so that each layer is seen."""

    def __init__(self) -> None:
        """Record nothing yet."""
        self._recorder = Recorder(most_nodes=MOST_NODES)
        self._context = contextlib.ExitStack()
        self._stopped: str | None = None
        self._training = BACKEND.training_watch()

    def __enter__(self) -> Watch:
        """Begin."""
        self._context.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", message=".*run_functions_eagerly.*")
        self._context.enter_context(BACKEND.eager_functions())
        self._context.enter_context(self._recorder.recording())
        self._context.enter_context(self._training.watching())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, and note the error that ended the block, if anything of Keras ran in it."""
        self._context.close()
        if isinstance(error, Exception) and self._training.draws.failed is None:
            self._training.draws.failed = failed_py_dataset(error)
        if isinstance(error, Exception) and self._recorder.nodes.all:
            self._stopped = self._recorder.fail(error)

    @property
    def is_partial(self) -> bool:
        """Whether only the first part was recorded."""
        return self._recorder.is_full

    def recording(self) -> Recording:
        """What ran in the block."""
        return self._recorder.recorded("captured code", self._stopped)

    @property
    def deferred(self) -> Exception | None:
        """What building a model was refused with first."""
        return self._recorder.deferred

    @property
    def speaks_for(self) -> str:
        """The framework that Keras ran on, where layers were recorded: what it ran is told of here."""
        is_known = any(node.kind is not LayerKind.OPERATION for node in self._recorder.nodes.all)
        return BACKEND.package if is_known else ""

    def program(self, layer_id: str) -> Program | None:
        """What ran around a node."""
        nodes = self._recorder.nodes.all
        place = next((place for place, node in enumerate(nodes) if node.id == layer_id), None)
        given = nodes[place].given if place is not None else None
        if place is not None and given is not None:
            return WeightsProgram(self._recorder, nodes[place].layer, given)
        entries = self._recorder.trace.around(place) if place is not None else []
        if entries:
            return TracedProgram(self._recorder, entries)
        return lines_of(nodes[place].place, self._recorder.nodes.origin) if place is not None else None

    def models(self) -> tuple[Called, ...]:
        """None: what a model of Keras was called with is not kept."""
        return ()

    def same_epoch(self) -> tuple[SamplerPasses, ...]:
        """None: samplers with epochs are PyTorch's."""
        return ()

    def loop(self, line: int) -> None:
        """None: optimisers of Keras are not copied with the variables that they move."""

    def training(self) -> TrainingLog:
        """The batches, gradients and optimiser steps of the block."""
        return self._training.log()

    def loaders(self) -> tuple[tuple[Any, Any], ...]:
        """The datasets and generators of the block, and the models that were fitted with them."""
        return (*self._recorder.loaders, *((dataset, None) for dataset in self._training.draws.datasets))

    def failed_loader(self) -> tuple[Any, int] | None:
        """The dataset that could not give a batch, and which."""
        return self._training.draws.failed
