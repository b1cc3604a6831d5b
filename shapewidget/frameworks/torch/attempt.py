"""Try a remedy on a copy of the model."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import nn

from shapewidget.frameworks.adapter import Attempt, Constructor
from shapewidget.frameworks.torch.adapted import with_call
from shapewidget.frameworks.torch.argument import with_argument
from shapewidget.frameworks.torch.expression import with_expressions, with_other_sizes
from shapewidget.frameworks.torch.rehearsal import undisturbed
from shapewidget.frameworks.torch.resized_tables import with_table
from shapewidget.frameworks.torch.structure import with_class, with_first_taken, with_layer_before, with_new_layer
from shapewidget.graph.remedies import (
    AdaptCall,
    AddLayer,
    Change,
    EditExpression,
    InsertLayer,
    ReadAlong,
    Remedy,
    ReplaceLayer,
    ResizeTable,
    SetArgument,
    TakeFirst,
    Together,
)


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
    model: nn.Module, constructor: Constructor | None, remedy: Change, loss: Callable[..., Any] | None
) -> Attempt | None:
    match remedy:
        case SetArgument():
            return with_argument(model, constructor, remedy)
        case AdaptCall():
            return with_call(model, loss, remedy)
        case ReplaceLayer():
            return with_class(model, remedy)
        case InsertLayer():
            return with_layer_before(model, remedy)
        case AddLayer():
            return with_new_layer(model, remedy)
        case TakeFirst():
            return with_first_taken(model, remedy)
        case ResizeTable():
            return with_table(model, constructor, remedy)
        case ReadAlong():
            return with_other_sizes(model, loss, remedy)
        case EditExpression():
            return with_expressions(model, loss, [remedy])
    return None


def _all(
    model: nn.Module, constructor: Constructor | None, remedy: Together, loss: Callable[..., Any] | None
) -> Attempt | None:
    """Edits of lines last, and all at once: a layer that is built anew would lose those that were made before."""
    edits = [part for part in remedy.parts if isinstance(part, EditExpression)]
    ways = [
        functools.partial(_one, constructor=constructor, remedy=part)
        for part in remedy.parts
        if not isinstance(part, EditExpression)
    ]
    if edits:
        ways.append(lambda model, loss: with_expressions(model, loss, edits))  # type: ignore[arg-type]
    made: Attempt | None = None
    fixes, patches = [], []
    for way in ways:
        before = made
        made = way(model if before is None else before.model, loss=loss)
        if made is None:
            return None
        fixes.append(made.fix)
        patches += [made.patch] if made.patch is not None else []
        loss = made.loss or loss
        if before is not None:
            made = replace(made, loss=loss, batch=made.batch or before.batch, source=made.source or before.source)
    return made and replace(made, fix="; ".join(reversed(fixes)), patch="".join(patches) or None)
