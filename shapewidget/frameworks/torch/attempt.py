"""Try a remedy on a copy of the model."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import nn

from shapewidget.frameworks.adapter import Attempt, Constructor
from shapewidget.frameworks.torch.adapted import with_call
from shapewidget.frameworks.torch.argument import with_argument
from shapewidget.frameworks.torch.expression import with_expression
from shapewidget.frameworks.torch.rehearsal import undisturbed
from shapewidget.graph.remedies import AdaptCall, EditExpression, Remedy, SetArgument, Together


def attempt(
    model: nn.Module, constructor: Constructor | None, remedy: Remedy, loss: Callable[..., Any] | None = None
) -> Attempt | None:
    """A copy of the model with a remedy applied.

    Args:
        model: Left as found, with its class, its source and its namespace.
        constructor: How to build it again, where that is known.
        remedy: What to change.
        loss: The loss function, which may hold the line to change.

    Returns:
        The copy; None where the remedy cannot be applied.
    """
    with contextlib.suppress(Exception), undisturbed():
        if isinstance(remedy, Together):
            return _all(model, constructor, remedy, loss)
        return _one(model, constructor, remedy, loss)
    return None


def _one(
    model: nn.Module,
    constructor: Constructor | None,
    remedy: Remedy,
    loss: Callable[..., Any] | None,
) -> Attempt | None:
    if isinstance(remedy, SetArgument):
        return with_argument(model, constructor, remedy)
    if isinstance(remedy, AdaptCall):
        return with_call(model, loss, remedy)
    return with_expression(model, loss, remedy) if isinstance(remedy, EditExpression) else None


def _all(
    model: nn.Module, constructor: Constructor | None, remedy: Together, loss: Callable[..., Any] | None
) -> Attempt | None:
    """Arguments first: a layer that is built anew would lose an expression that was edited before."""
    parts = sorted(remedy.parts, key=lambda part: not isinstance(part, SetArgument))
    made: Attempt | None = None
    fixes, patches = [], []
    for part in parts:
        before = made
        made = _one(model if before is None else before.model, constructor, part, loss)
        if made is None:
            return None
        fixes.append(made.fix)
        patches += [made.patch] if made.patch is not None else []
        loss = made.loss or loss
        if before is not None:
            made = replace(made, loss=loss, batch=made.batch or before.batch, source=made.source or before.source)
    return made and replace(made, fix="; ".join(reversed(fixes)), patch="".join(patches) or None)
