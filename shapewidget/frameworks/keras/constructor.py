"""A way to build the user's model again: from the configuration that Keras keeps of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras

from shapewidget.errors import RebuildError
from shapewidget.frameworks.keras.guard import same_process_state


class Rebuild:
    """Builds a model from its configuration, or by the user's own `build`."""

    def __init__(self, model: keras.Model, build: Callable[..., Any] | None) -> None:
        """Remember how.

        Raises:
            RebuildError: Keras cannot read the configuration of this model back.
        """
        self._model, self._build = model, build
        self.arguments: Mapping[str, object] = {}
        self.origin = "build" if build is not None else "get_config"
        if build is None:
            with same_process_state():
                copied(model)

    def size_arguments(self) -> Mapping[str, int]:
        """None yet: which size of a configuration is the hidden size is not recovered for Keras."""
        return {}

    def hidden_argument(self) -> str | None:
        """None: see `size_arguments`."""
        return None

    def build(self, **changes: object) -> Any:
        """The model, by the user's own `build` where sizes change."""
        if self._build is not None:
            return self._build(**changes)
        return copied(self._model)


def copied(model: keras.Model, change: Callable[[Any], Any] | None = None) -> keras.Model:
    """A new model of the same configuration and, where they fit, the same weights.

    Args:
        model: Left as found.
        change: Gives the layer that stands for each layer; only of models made of layers.

    Raises:
        RebuildError: The class cannot be made from its configuration.
    """
    title = type(model).__name__
    try:
        made = _from_config(model, change)
    except Exception as error:
        raise RebuildError(
            f"{title} cannot be made again from its get_config() ({type(error).__name__}: {_first_line(error)}). "
            f"Write get_config and from_config for {title}, or pass build=lambda: {title}(...)."
        ) from error
    if change is None and model.built and made.built and len(made.weights) == len(model.weights):
        made.set_weights(model.get_weights())
    return made


def _from_config(model: keras.Model, change: Callable[[Any], Any] | None) -> keras.Model:
    if isinstance(model, keras.Sequential) or type(model).__name__ == "Functional":
        return keras.models.clone_model(model, clone_function=change or _again)
    if change is not None:
        raise RebuildError(f"The layers of {type(model).__name__} are made by its own code.")
    config = model.get_config()
    try:
        return type(model).from_config(config)
    except TypeError:  # a constructor that takes none of what Keras adds to its own arguments
        taken = inspect.signature(type(model).__init__).parameters
        return type(model)(**{name: value for name, value in config.items() if name in taken})


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")[:160]


def _again(layer: Any) -> Any:
    return type(layer).from_config(layer.get_config())
