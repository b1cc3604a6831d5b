"""Try a remedy on a copy of the model."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from torch import nn

from shapewidget.frameworks.adapter import Attempt, Constructor
from shapewidget.frameworks.torch.argument import with_argument
from shapewidget.frameworks.torch.expression import with_expression
from shapewidget.frameworks.torch.rehearsal import undisturbed
from shapewidget.graph.remedies import Remedy, SetArgument


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
        if isinstance(remedy, SetArgument):
            return with_argument(model, constructor, remedy)
        return with_expression(model, loss, remedy)
    return None
