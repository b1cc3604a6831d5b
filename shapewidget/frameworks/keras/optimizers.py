"""The optimiser of a copy of a model: as the user asked for it, or as the model was compiled with it."""

from __future__ import annotations

from typing import Any

import keras

from shapewidget.errors import ShapeWidgetError
from shapewidget.frameworks.keras.guard import config_of


class NotMeasurableError(ShapeWidgetError):
    """No training step can be made of the model."""


def made_optimizer(wanted: Any, weights: Any) -> Any:
    """A new optimiser: Adam, one like the optimiser that is wanted, or what makes one.

    Raises:
        NotMeasurableError: It is no optimiser of Keras.
    """
    if wanted is None:
        return keras.optimizers.Adam()
    if isinstance(wanted, keras.optimizers.Optimizer):
        return type(wanted).from_config(config_of(wanted))
    made = wanted() if isinstance(wanted, type) else wanted(weights)
    if not isinstance(made, keras.optimizers.Optimizer):
        raise NotMeasurableError(
            f"optimizer= gave a {type(made).__name__}, expected an optimiser of Keras. Pass one, as in "
            "optimizer=keras.optimizers.SGD(0.1)."
        )
    return made
