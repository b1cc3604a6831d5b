"""Watch whatever code runs: several models, losses, training loops, functions that are no modules."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Any

from torch import nn

from shapewidget.frameworks import source
from shapewidget.frameworks.adapter import Called
from shapewidget.frameworks.torch.epochs import EpochWatch
from shapewidget.frameworks.torch.loop_rerun import LoopRerun
from shapewidget.frameworks.torch.nodes import Node
from shapewidget.frameworks.torch.recorder import Recorder
from shapewidget.frameworks.torch.sites import Rerun, Sites
from shapewidget.frameworks.torch.training_log import TrainingWatch
from shapewidget.graph.batches import SamplerPasses
from shapewidget.graph.records import LayerKind, Recording
from shapewidget.graph.training import TrainingLog

MOST_NODES = 4_000
"""How much of a long training loop is recorded: its first steps tell what the others do."""


class Watch:
    """Records what a block runs, exactly as it would run without us: nothing is repaired, and gradients flow.

    Modules are named after their class, as in "Encoder.layers.0"; a second model of the class is "Encoder (2)".
    """

    def __init__(self) -> None:
        """Record nothing yet."""
        self._sites = Sites()
        self._recorder = _Recorder(self._sites)
        self._context = contextlib.ExitStack()
        self._epochs = EpochWatch()
        self._training = TrainingWatch(self._epochs.note, self._recorder.aside)

    def __enter__(self) -> Watch:
        """Begin."""
        self._context.enter_context(source.warnings_of_own_lines())
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

    @property
    def speaks_for(self) -> str:
        """None: PyTorch runs on nothing else."""
        return ""

    def recording(self) -> Recording:
        """What ran in the block."""
        return Recording(self._recorder.graph("captured code"), tuple(self._recorder.clashes), stopped=self._stopped)

    @property
    def deferred(self) -> None:
        """None: errors are raised where they arise."""
        return None

    def program(self, layer_id: str) -> Rerun | None:
        """The model or the line of a node, to be run again as it first ran."""
        node = next((node for node in self._recorder.nodes if node.id == layer_id), None)
        return self._sites.program(node.path, node.line) if node is not None else None

    def models(self) -> tuple[Called, ...]:
        """The first call of every model, with its loss where a line holds both."""
        return self._sites.models()

    def same_epoch(self) -> tuple[SamplerPasses, ...]:
        """The samplers that were gone through several times at one epoch."""
        return self._epochs.unchanged()

    def loop(self, line: int) -> LoopRerun | None:
        """The loop that a line of the log stands in, where it reaches nothing but what can be copied."""
        replay = self._training.loops[line] if line < len(self._training.loops) else None
        found = LoopRerun(replay) if replay is not None else None
        return found if found is not None and found.is_repeatable else None

    def training(self) -> TrainingLog:
        """The batches, backward passes and optimiser steps of the block."""
        return self._training.log()

    def loaders(self) -> tuple[tuple[Any, Any], ...]:
        """The `DataLoader`s of the block; which model reads one is not known."""
        return tuple((loader, None) for loader in self._training.draws.loaders)

    def failed_loader(self) -> tuple[Any, int] | None:
        """The loader that could not give a batch, and which."""
        return self._training.draws.failed


class _Recorder(Recorder):
    """Notes what can be run again as it goes."""

    def __init__(self, sites: Sites) -> None:
        super().__init__({}, repair=False, most_nodes=MOST_NODES)
        self._sites = sites

    def call_module(self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        __tracebackhide__ = True
        if not self._groups and not self._is_passed_by():
            facts = self._known(module)
            if facts.kind is LayerKind.LOSS:
                self._sites.ran(source.here(), facts.kind, facts.name, ())
            else:
                self._sites.called(facts.path, module, args, kwargs)
        return super().call_module(original, module, args, kwargs)

    def _add_operation(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Node:
        node = super()._add_operation(function, args, kwargs)
        if not self._groups:
            shapes = tuple(each.shape for each in node.inputs)
            self._sites.ran(node.line, node.kind, node.name, shapes, is_of_gradient=self._is_of_gradient(node))
        return node

    def _is_of_gradient(self, node: Node) -> bool:
        """Whether a node reads a gradient, or what was made of one by one operation."""
        before = [self.nodes[slot.node] for slot, _ in node.reads]
        return any(
            each.name == "gradient" or any(self.nodes[slot.node].name == "gradient" for slot, _ in each.reads)
            for each in before
        )
