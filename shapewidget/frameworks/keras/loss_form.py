"""How a function of the user's is called as a loss: as `fit` would do it, or as a loop of one's own does."""

from __future__ import annotations

import contextlib
from typing import Any

import keras

from shapewidget.frameworks.keras.losses import AsGiven, as_compiled
from shapewidget.frameworks.keras.plain_modules import is_of_tensorflow_alone
from shapewidget.frameworks.keras.tensors import leaves, shape
from shapewidget.frameworks.keras.widest import widest


def as_called(loss: Any, model: keras.Model, targets: Any, outputs: Any) -> Any:
    """The loss as it is called in the user's program.

    `fit` gives a function float targets of as many axes as the outputs have. A loop of one's own gives them as they
    are: that is taken to be meant of a model that was not compiled with a loss, where the function refuses such
    targets, or makes larger tensors of aligned ones, as it aligns them itself.

    Args:
        loss: What the user gave, on outputs that a recorder may know.
        model: The model.
        targets: As given; None where there are none, which only a function can be meant to take.
        outputs: Of the model.

    Returns:
        None where the loss takes targets, and there are none.
    """
    if isinstance(loss, str | keras.losses.Loss):
        return as_compiled(loss) if targets is not None else None
    if targets is None:
        return AsGiven(loss) if _widest(AsGiven(loss), (), outputs) is not None else None
    if is_of_tensorflow_alone(model):
        return AsGiven(loss)
    if getattr(model, "_compile_loss", None) is not None:
        return as_compiled(loss)
    aligned = _widest(as_compiled(loss), targets, outputs)
    is_alike = [len(shape(each)) for each in leaves(targets)] == [len(shape(each)) for each in leaves(outputs)]
    if is_alike and aligned is not None:
        return as_compiled(loss)
    plain = _widest(AsGiven(loss), targets, outputs)
    return AsGiven(loss) if plain is not None and (aligned is None or plain < aligned) else as_compiled(loss)


def _widest(loss: Any, targets: Any, outputs: Any) -> int | None:
    """Values in the largest operation of a loss; None where it raises."""
    with contextlib.suppress(Exception):
        return widest(lambda: loss(targets, outputs))
    return None
