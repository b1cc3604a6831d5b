"""Run a copy of the model, or of its loss, with one expression of the user's code replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import FunctionType, MethodType
from typing import Any

from torch import nn

from shapewidget.frameworks.adapter import Attempt
from shapewidget.frameworks.source.edits import replacing_expression
from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.mending import Mended, changed, changed_methods, holds
from shapewidget.frameworks.source.replay import Replay
from shapewidget.frameworks.source.text import Source, recompiled
from shapewidget.frameworks.torch.likeness import copied
from shapewidget.frameworks.torch.program import Program
from shapewidget.graph.records import SourceLine
from shapewidget.graph.remedies import EditExpression, SourceEdit


def with_expression(model: nn.Module, loss: Callable[..., Any] | None, remedy: EditExpression) -> Attempt | None:
    """A copy of the model or of the loss in which the line reads otherwise; None where neither holds the line."""
    line = remedy.source
    source = Source.read(line.filename) if is_own(line.filename) else None
    if source is None or line.expression is None:
        return None
    edit = replacing_expression(source, line.line, line.expression, remedy.replacement)
    if edit is None:
        return None

    def mended(function: FunctionType) -> FunctionType:
        return recompiled(function, source, edit)

    fix = " ".join(text.strip() for text in edit.after)
    if isinstance(loss, Replay) and loss.holds(line.filename, line.line):
        return Attempt(model, fix, edit.diff(), line, loss.edited(edit))
    if isinstance(model, Program) and (replay := _edited(model.replay, line, edit, mended)) is not None:
        return Attempt(model.with_replay(replay), fix, edit.diff(), line)
    if isinstance(loss, FunctionType) and holds(loss, line):
        return Attempt(model, fix, edit.diff(), line, mended(loss))
    if isinstance(loss, nn.Module):
        made = _mended(loss, line, mended)
        if made is not None:
            return Attempt(model, fix, edit.diff(), line, made)
    made = _mended(model, line, mended)
    return Attempt(made, fix, edit.diff(), line) if made is not None else None


def _edited(replay: Replay, line: SourceLine, edit: SourceEdit, mended: Mended) -> Replay | None:
    """The lines with one of them edited, or with functions mended that they call; None where neither holds the line."""
    if replay.holds(line.filename, line.line):
        return replay.edited(edit)
    functions = {name: value for name, value in replay.names.items() if isinstance(value, FunctionType)}
    found = {name: changed(function, line, mended) for name, function in functions.items()}
    made = {name: function for name, function in found.items() if function is not None}
    return replace(replay, names={**replay.names, **made}) if made else None


def _mended(model: nn.Module, line: SourceLine, mended: Mended) -> nn.Module | None:
    """A copy whose methods are as mended, or call what is; the classes stay as they are."""
    changes: dict[type, dict[str, FunctionType]] = {}
    for owner in {type(module) for module in model.modules()}:
        changes[owner] = changed_methods(owner, line, mended)
    if not any(changes.values()):
        return None
    whole = copied(model)
    for module in whole.modules():
        for name, method in changes[type(module)].items():
            module.__dict__[name] = MethodType(method, module)
    return whole
