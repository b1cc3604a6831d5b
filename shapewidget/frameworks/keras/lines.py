"""Lines of the user's code that can be run again, with a remedy applied to them or to copies of their models."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import FrameType, FunctionType
from typing import Any

import keras

from shapewidget.frameworks.adapter import Attempt
from shapewidget.frameworks.keras.applied import Program, applied
from shapewidget.frameworks.keras.attempt import by_path
from shapewidget.frameworks.keras.backends import BACKEND
from shapewidget.frameworks.keras.direct import HARMLESS, is_data
from shapewidget.frameworks.keras.edited_source import edited_together
from shapewidget.frameworks.keras.guard import same_process_state
from shapewidget.frameworks.keras.recorder import Recorder
from shapewidget.frameworks.keras.remaking import Change, Remaker
from shapewidget.frameworks.keras.sites import searched
from shapewidget.frameworks.keras.tensors import is_tensor
from shapewidget.frameworks.source.mending import changed
from shapewidget.frameworks.source.replay import Replay, place_of, statements_of
from shapewidget.frameworks.source.slices import replay_of
from shapewidget.frameworks.source.text import recompiled
from shapewidget.graph.records import LayerKind, Recording
from shapewidget.graph.remedies import EditExpression, Remedy, Together

Origin = Callable[[Any], Mapping[str, object]]
"""What is known of how a tensor was made, as settings of a node."""


@dataclass(frozen=True)
class _Changed:
    """The lines as an attempt changes them, and what it changes about the models that they call."""

    replay: Replay
    change: Change


class LinesProgram:
    """See `shapewidget.frameworks.adapter.Program` for what every method promises."""

    def __init__(self, replay: Replay, around: Mapping[str, object], origin: Origin) -> None:
        """The lines, the names of the module that they stand in, and what is known of how tensors were made."""
        self._replay, self._around = replay, around
        self._origins = {name: origin(each) for name, each in replay.names.items() if is_tensor(each)}
        self._models = {name: each for name, each in replay.names.items() if isinstance(each, keras.layers.Layer)}

    @classmethod
    def of(cls, frame: FrameType, instruction: int, origin: Origin) -> LinesProgram | None:
        """What led to an expression that a frame has run; None where it cannot be run again."""
        replay = replay_of(frame, instruction, HARMLESS, is_data)
        names = {**frame.f_globals, **frame.f_locals}
        return cls(_to_the_end(replay, names), frame.f_globals, origin) if replay is not None else None

    def record(self, attempt: Attempt | None) -> Recording:
        """Run them again on copies of their models."""
        made = attempt.model if attempt is not None else _Changed(self._replay, Change())
        recorder, stopped = Recorder(), None
        with same_process_state(), BACKEND.eager_functions():
            remaker = Remaker(made.change)
            models = {name: remaker.layer(model) for name, model in self._models.items()}
            with recorder.recording():
                try:
                    made.replay.run(models)
                except Exception as error:
                    stopped = recorder.fail(error)
        for node in recorder.nodes.all:
            if node.kind is LayerKind.INPUT:
                node.settings |= self._origins.get(node.name, {})
        return recorder.recorded("captured code", stopped)

    def attempt(self, remedy: Remedy) -> Attempt | None:
        """The lines, or the functions and models that they call, with a remedy."""
        edits = remedy.parts if isinstance(remedy, Together) else (remedy,)
        is_text = all(isinstance(each, EditExpression) for each in edits)
        if is_text:
            found = self._edited([each for each in edits if isinstance(each, EditExpression)])
            if found is not None:
                return found
        layers = {path: layer for model in self._models.values() for path, layer in by_path(model).items()}
        made = applied(remedy, Program(layers, searched, lambda layer: [layer]))
        if made is None or (is_text and not self._is_in_models(made.change)):
            return None
        return Attempt(_Changed(self._replay, made.change), made.fix, made.patch, made.line)

    def _with_names(self, replay: Replay) -> Replay:
        """The lines with what an edit of them reads besides."""
        read = {each.id for node in replay.nodes() for each in ast.walk(node) if isinstance(each, ast.Name)}
        found = {name: self._around[name] for name in read if name in self._around}
        return replace(replay, names={**found, **replay.names})

    def _is_in_models(self, change: Change) -> bool:
        owners = {type(layer) for model in self._models.values() for layer in model._flatten_layers()}
        return any(map(change.methods, owners))

    def _edited(self, remedies: Sequence[EditExpression]) -> Attempt | None:
        """The lines with edits of one function: of these, or of one that they call."""
        made = edited_together(remedies)
        if made is None:
            return None
        lines = [remedy.source for remedy in remedies]
        if all(self._replay.holds(line.filename, line.line) for line in lines):
            replay = self._with_names(replace(self._replay, source=made.edited))
        else:
            functions = {name: each for name, each in self._replay.names.items() if isinstance(each, FunctionType)}
            mended = {
                name: new
                for name, function in functions.items()
                if (new := changed(function, lines, lambda each: recompiled(each, made.source, made.edited)))
                is not None
            }
            if not mended:
                return None
            replay = replace(self._replay, names={**self._replay.names, **mended})
        return Attempt(_Changed(replay, Change()), made.fix, made.patch, lines[0])


def lines_of(place: tuple[FrameType, int] | None, origin: Origin) -> LinesProgram | None:
    """The lines that led to an operation that the user's code has called itself.

    Args:
        place: The frame and its instruction; None where there is none.
        origin: What is known of how a tensor was made, as settings of a node.
    """
    try:
        return LinesProgram.of(*place, origin) if place is not None else None
    except Exception:  # code that cannot be taken apart is told without a fix
        return None


def _to_the_end(replay: Replay, names: Mapping[str, object]) -> Replay:
    """The lines with the rest of their statement, and the statements behind it that only work something out.

    What is wrong with an operation shows where its result is used.
    """
    every = statements_of(replay.source)
    ends = [replay.last, *_behind(every, replay.last)]
    for last in ends:
        value = getattr(every[last], "value", None)
        is_plain = isinstance(every[last], ast.Assign | ast.Return | ast.Expr)
        if not is_plain or not isinstance(value, ast.expr) or not HARMLESS.allows(value, names):
            break
        before = ends[: ends.index(last)]
        read = {each.id for each in ast.walk(value) if isinstance(each, ast.Name)}
        kept = {name: names[name] for name in read if name in names and not hasattr(builtins, name)}
        statements = tuple(dict.fromkeys((*replay.statements, *before)))
        replay = replace(
            replay,
            statements=statements,
            last=last,
            expression=place_of(every[last], value),
            names={**kept, **replay.names},
        )
    return replay


def _behind(every: Sequence[ast.stmt], place: int) -> list[int]:
    """The places of the statements behind one in its block."""
    for holder in every:
        for block in (getattr(holder, name, None) for name in ("body", "orelse", "finalbody")):
            if isinstance(block, list) and every[place] in block:
                behind = block[block.index(every[place]) + 1 :]
                return [index for statement in behind for index, each in enumerate(every) if each is statement]
    return []
