"""A remedy applied to a copy of the model: one layer of a model of layers, made with another argument."""

from __future__ import annotations

from typing import Any

import keras

from shapewidget.errors import RebuildError
from shapewidget.frameworks.adapter import Attempt
from shapewidget.frameworks.keras.constructor import copied
from shapewidget.frameworks.keras.guard import same_process_state
from shapewidget.graph.remedies import Remedy, SetArgument


def attempt(model: keras.Model, remedy: Remedy) -> Attempt | None:
    """A copy of the model with the remedy applied; None where it cannot be."""
    if not isinstance(remedy, SetArgument):
        return None
    with same_process_state():
        try:
            changed = copied(model, lambda layer: _changed(layer, remedy))
        except RebuildError:
            return None
    layer = next((each for each in model._flatten_layers() if each.name == remedy.path), None)
    title = type(layer).__name__ if layer is not None else remedy.path
    return Attempt(changed, f"{title}(..., {remedy.argument}={remedy.value!r}, name={remedy.path!r})", None)


def _changed(layer: Any, remedy: SetArgument) -> Any:
    config = layer.get_config()
    if layer.name == remedy.path:
        inner = config
        if remedy.argument not in inner and isinstance(layer, keras.layers.Bidirectional):
            inner = config["layer"]["config"]
        inner[remedy.argument] = remedy.value
    return type(layer).from_config(config)
