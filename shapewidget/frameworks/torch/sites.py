"""Parts of a watched block that can be run again: the first call of every model, and lines that may hold a mistake.

Only lines of the user's outside of any module are kept, each once, with the values that it reads; a training loop runs
the same few thousands of times.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import FrameType
from typing import Any

from torch import nn

from shapewidget.frameworks.adapter import Attempt, Batch, Called
from shapewidget.frameworks.source.frames import Capture, current, is_own
from shapewidget.frameworks.source.replay import Replay
from shapewidget.frameworks.source.slices import replay_of
from shapewidget.frameworks.torch.attempt import attempt
from shapewidget.frameworks.torch.harmless import HARMLESS, is_data
from shapewidget.frameworks.torch.model_and_loss import ModelAndLoss, inputs_of, is_own_model, model_and_loss
from shapewidget.frameworks.torch.program import Program
from shapewidget.frameworks.torch.record import record
from shapewidget.frameworks.torch.tensors import flat
from shapewidget.graph.records import LayerKind, Recording
from shapewidget.graph.remedies import Remedy

Shapes = tuple[tuple[int, ...], ...]

_ARITHMETIC = frozenset("add sub mul div pow maximum minimum where".split())


class Sites:
    """What was seen of a block as it ran."""

    def __init__(self) -> None:
        """Nothing ran yet."""
        self._lines: dict[Capture, Replay | None] = {}
        self._calls: dict[str, tuple[nn.Module, Any, Mapping[str, Any]]] = {}

    def called(self, path: str, module: nn.Module, args: Any, kwargs: Mapping[str, Any]) -> None:
        """Note the first call of a model."""
        self._calls.setdefault(path, (module, args, dict(kwargs)))

    def ran(
        self, line: Capture | None, kind: LayerKind, name: str, shapes: Shapes, *, is_of_gradient: bool = False
    ) -> None:
        """Note a line that compares or brings together tensors of several shapes, or that works on a gradient."""
        if line is None or line in self._lines or not (is_of_gradient or _may_be_wrong(kind, name, shapes)):
            return
        self._lines[line] = None
        for frame in reversed(list(_frames())):
            with contextlib.suppress(Exception):  # what cannot be run again is told without a fix that was run
                self._lines[line] = replay_of(frame, frame.f_lasti, HARMLESS, is_data, is_whole=True)
            if self._lines[line] is not None:
                return

    def models(self) -> tuple[Called, ...]:
        """The models that were called, with their losses where a line holds both; none that has hooks of the user's."""
        with_loss = {id(each.model): each for each in self._models_and_losses()}
        found = []
        for path, (model, args, kwargs) in self._calls.items():
            if is_own_model(model) and not any(it._forward_hooks or it._forward_pre_hooks for it in model.modules()):
                known = with_loss.get(id(model))
                inputs = known.inputs if known is not None else inputs_of(model, tuple(args), dict(kwargs))
                if flat(inputs):
                    targets, loss = (known.targets, known.loss) if known is not None else (None, None)
                    found.append(Called(path, model, inputs, targets, loss))
        return tuple(found)

    def _models_and_losses(self) -> Iterator[ModelAndLoss]:
        for replay in self._lines.values():
            with contextlib.suppress(Exception):  # lines that cannot be run again
                apart = model_and_loss(replay) if replay is not None else None
                if apart is not None:
                    yield apart

    def program(self, path: str, line: Capture | None) -> Rerun | None:
        """The line, or the call of the model of that path, to be run again."""
        replay = self._lines.get(line) if line is not None else None
        if replay is not None:
            program, inputs = Program.of(replay)
            return Rerun(program, Batch((), inputs))
        known = self._calls.get(path.partition(".")[0])
        return Rerun(known[0], Batch(tuple(known[1]), known[2])) if known is not None else None


def _frames() -> Iterator[FrameType]:
    """The user's own frames that led here, the innermost first."""
    frame = current()
    while frame is not None:
        if is_own(frame.f_code.co_filename):
            yield frame
        frame = frame.f_back


def _may_be_wrong(kind: LayerKind, name: str, shapes: Shapes) -> bool:
    if kind is LayerKind.LOSS:
        return True
    return name in _ARITHMETIC and len(shapes) == 2 and shapes[0] != shapes[1]


class Rerun:
    """A model with the inputs of one call, or lines with the values that they read."""

    def __init__(self, model: nn.Module, batch: Batch) -> None:
        """Nothing is run yet."""
        self._model, self._batch = model, batch

    def record(self, attempt: Attempt | None) -> Recording:
        """Run it, as it was or as an attempt changes it."""
        if attempt is None:
            return replace(record(self._model, self._batch, None), sizes={})
        batch = attempt.batch(self._batch) if attempt.batch is not None else self._batch
        return replace(record(attempt.model, batch, None), sizes={})

    def attempt(self, remedy: Remedy) -> Attempt | None:
        """A remedy, ready to be run; None where it cannot be applied."""
        return attempt(self._model, None, remedy)
