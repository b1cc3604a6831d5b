"""Run a copy of the model, or of its loss, with one expression of the user's code replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import CodeType, FunctionType, MethodType
from typing import Any

from torch import nn

from shapewidget.frameworks.adapter import Attempt
from shapewidget.frameworks.source.edits import replacing_expression
from shapewidget.frameworks.source.frames import is_own
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
    if isinstance(loss, FunctionType) and _holds(loss, line):
        return Attempt(model, fix, edit.diff(), line, mended(loss))
    if isinstance(loss, nn.Module):
        made = _mended(loss, line, mended)
        if made is not None:
            return Attempt(model, fix, edit.diff(), line, made)
    made = _mended(model, line, mended)
    return Attempt(made, fix, edit.diff(), line) if made is not None else None


def _edited(
    replay: Replay, line: SourceLine, edit: SourceEdit, mended: Callable[[FunctionType], FunctionType]
) -> Replay | None:
    """The lines with one of them edited, or with functions mended that they call; None where neither holds the line."""
    if replay.holds(line.filename, line.line):
        return replay.edited(edit)
    functions = {name: value for name, value in replay.names.items() if isinstance(value, FunctionType)}
    changed = {name: _changed(function, line, mended) for name, function in functions.items()}
    made = {name: function for name, function in changed.items() if function is not None}
    return replace(replay, names={**replay.names, **made}) if made else None


def _mended(model: nn.Module, line: SourceLine, mended: Callable[[FunctionType], FunctionType]) -> nn.Module | None:
    """A copy whose methods are as mended, or call what is; the classes stay as they are."""
    changes: dict[type, dict[str, FunctionType]] = {}
    for owner in {type(module) for module in model.modules()}:
        found = {name: _changed(method, line, mended) for name, method in _methods(owner)}
        changes[owner] = {name: method for name, method in found.items() if method is not None}
    if not any(changes.values()):
        return None
    whole = copied(model)
    for module in whole.modules():
        for name, method in changes[type(module)].items():
            module.__dict__[name] = MethodType(method, module)
    return whole


def _changed(
    method: FunctionType, line: SourceLine, mended: Callable[[FunctionType], FunctionType]
) -> FunctionType | None:
    """The method mended, or with mended functions in the place of those that it calls; None if it has none."""
    if _holds(method, line):
        return mended(method)
    called = {
        name: mended(function)
        for name in _names(method.__code__)
        if isinstance(function := method.__globals__.get(name), FunctionType) and _holds(function, line)
    }
    if not called:
        return None
    globals_ = {**method.__globals__, **called}
    changed = FunctionType(method.__code__, globals_, method.__name__, method.__defaults__, method.__closure__)
    changed.__kwdefaults__ = method.__kwdefaults__
    return changed


def _methods(owner: type) -> Iterator[tuple[str, FunctionType]]:
    """The methods of the user's that a class has or inherits, those that are in force."""
    for name in dir(owner):
        method = next((vars(base)[name] for base in owner.__mro__ if name in vars(base)), None)
        if isinstance(method, FunctionType) and is_own(method.__code__.co_filename):
            yield name, method


def _holds(function: FunctionType, line: SourceLine) -> bool:
    code = function.__code__
    lines = [number for part in _parts(code) for _, _, number in part.co_lines() if number is not None]
    return code.co_filename == line.filename and min(lines) <= line.line <= max(lines)


def _names(code: CodeType) -> set[str]:
    return {name for part in _parts(code) for name in part.co_names}


def _parts(code: CodeType) -> Iterator[CodeType]:
    """A function's code and that of the functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)
