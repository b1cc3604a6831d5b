"""Run a copy of the model, or of its loss, with expressions of the user's code replaced."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FunctionType, MethodType
from typing import Any

from torch import nn

from shapewidget.frameworks.adapter import Attempt
from shapewidget.frameworks.source.edits import replacing_expression
from shapewidget.frameworks.source.frames import is_own
from shapewidget.frameworks.source.mending import Mended, changed, changed_attributes, changed_methods
from shapewidget.frameworks.source.read_sizes import along_another_axis
from shapewidget.frameworks.source.replay import Replay
from shapewidget.frameworks.source.text import Source, recompiled
from shapewidget.frameworks.torch.likeness import copied
from shapewidget.frameworks.torch.program import Program
from shapewidget.graph.records import SourceLine
from shapewidget.graph.remedies import EditExpression, ReadAlong, SourceEdit


def with_expressions(
    model: nn.Module, loss: Callable[..., Any] | None, remedies: Sequence[EditExpression]
) -> Attempt | None:
    """A copy of the model and of the loss in which some lines of one file or cell read otherwise.

    Returns:
        None where a line is not as it was, or where neither the model nor the loss holds any of them.
    """
    lines = [remedy.source for remedy in remedies]
    source = Source.read(lines[0].filename) if is_own(lines[0].filename) else None
    edited, edits = source, list[SourceEdit]()
    for remedy in remedies:
        line = remedy.source
        if source is None or edited is None or line.expression is None or line.filename != source.filename:
            return None
        edit = replacing_expression(edited, line.line, line.expression, remedy.replacement)
        if edit is None:
            return None
        edited, edits = edited.edited(edit), [*edits, edit]
    if source is None or edited is None:
        return None
    mended = functools.partial(recompiled, source=source, edited=edited)
    new_loss = _mended_loss(loss, lines, mended, edits)
    new_model = _mended_model(model, lines, mended, edits)
    if new_loss is None and new_model is None:
        return None
    after = {edit.first_line: " ".join(text.strip() for text in edit.after) for edit in edits}
    fix = "; ".join(dict.fromkeys(after.values()))
    patch = edits[0].diff() if len(edits) == 1 else edited.diff_from(source)
    return Attempt(new_model or model, fix, patch, lines[0], new_loss)


def with_other_sizes(model: nn.Module, loss: Callable[..., Any] | None, remedy: ReadAlong) -> Attempt | None:
    """A copy of the model and of the loss in which expressions read the size of another axis."""
    edits = list[EditExpression]()
    for line in remedy.sources:
        source = Source.read(line.filename) if is_own(line.filename) else None
        if source is not None and line.expression is not None:
            text = along_another_axis(source, line.line, line.expression, (remedy.axis, remedy.better))
            edits += [EditExpression(line, text)] if text is not None else []
    whole = [it for it in edits if not any(_is_part(it.source, other.source) for other in edits)]
    return with_expressions(model, loss, whole) if whole else None


def _is_part(one: SourceLine, other: SourceLine) -> bool:
    """Whether an expression stands in another one of its line, and is edited with it."""
    is_inner = one.expression != other.expression and (one.expression or "") in (other.expression or "")
    return is_inner and (one.filename, one.line) == (other.filename, other.line)


def _mended_loss(
    loss: Callable[..., Any] | None, lines: Sequence[SourceLine], mended: Mended, edits: Sequence[SourceEdit]
) -> Callable[..., Any] | None:
    if isinstance(loss, Replay):
        return _edited(loss, lines, mended, edits)
    if isinstance(loss, nn.Module):
        return _mended(loss, lines, mended)
    if isinstance(loss, functools.partial):
        inner = _mended_loss(loss.func, lines, mended, edits)
        return functools.partial(inner, *loss.args, **loss.keywords) if inner is not None else None
    if isinstance(loss, MethodType):
        owner = _mended_object(loss.__self__, lines, mended)
        return getattr(owner, loss.__name__) if owner is not None else None
    return changed(loss, lines, mended) if isinstance(loss, FunctionType) else _mended_object(loss, lines, mended)


def _mended_object(held: Any, lines: Sequence[SourceLine], mended: Mended) -> Any:
    """A copy of an object whose methods are as mended; it shares what it holds."""
    methods = changed_methods(type(held), lines, mended)
    if not methods:
        return None
    made = copy.copy(held)
    made.__class__ = type(type(held).__name__, (type(held),), {"__module__": type(held).__module__, **methods})
    return made


def _mended_model(
    model: nn.Module, lines: Sequence[SourceLine], mended: Mended, edits: Sequence[SourceEdit]
) -> nn.Module | None:
    if isinstance(model, Program) and (replay := _edited(model.replay, lines, mended, edits)) is not None:
        return model.with_replay(replay)
    return _mended(model, lines, mended)


def _edited(replay: Replay, lines: Sequence[SourceLine], mended: Mended, edits: Sequence[SourceEdit]) -> Replay | None:
    """The lines with some of them edited, or with functions mended that they call; None where neither holds one."""
    if any(replay.holds(line.filename, line.line) for line in lines):
        return functools.reduce(Replay.edited, edits, replay)
    functions = {name: value for name, value in replay.names.items() if isinstance(value, FunctionType)}
    found = {name: changed(function, lines, mended) for name, function in functions.items()}
    made = {name: function for name, function in found.items() if function is not None}
    return replace(replay, names={**replay.names, **made}) if made else None


def _mended(model: nn.Module, lines: Sequence[SourceLine], mended: Mended) -> nn.Module | None:
    """A copy whose methods are as mended, or call what is; the classes stay as they are."""
    changes: dict[type, dict[str, FunctionType]] = {}
    for owner in {type(module) for module in model.modules()}:
        changes[owner] = changed_methods(owner, lines, mended)
    kept = [changed_attributes(module, lines, mended) for module in model.modules()]
    if not any(changes.values()) and not any(kept):
        return None
    whole = copied(model)
    for module, functions in zip(whole.modules(), kept, strict=True):
        module.__dict__.update(functions)
        for name, method in changes[type(module)].items():
            module.__dict__[name] = MethodType(method, module)
    return whole
