"""Make the user's model again: from the configuration that Keras keeps of its layers, or the arguments of its class."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras.src.models.functional import Functional

from shapewidget.errors import RebuildError
from shapewidget.frameworks.keras.class_arguments import own, recovered
from shapewidget.frameworks.keras.guard import config_of, same_process_state
from shapewidget.frameworks.keras.likeness import difference


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
        with same_process_state():
            made = _from_config(model, change)
    except Exception as error:
        raise RebuildError(
            f"{title} cannot be made again from its get_config() ({type(error).__name__}: {_first_line(error)}). "
            f"Write get_config and from_config for {title}, or pass build=lambda: {title}(...)."
        ) from error
    if change is None and model.built and made.built and len(made.weights) == len(model.weights):
        made.set_weights(model.get_weights())
    return made


def is_made_of_layers(model: keras.Model) -> bool:
    """Whether Keras keeps the whole model as layers, so that it can be made again without its class."""
    return isinstance(model, keras.Sequential | Functional) and type(model).__module__.split(".")[0] == "keras"


def _from_config(model: keras.Model, change: Callable[[Any], Any] | None) -> keras.Model:
    if is_made_of_layers(model):
        with _uncompiled(model):
            return keras.models.clone_model(model, clone_function=change or _again, recursive=True)
    if change is not None:
        raise RebuildError(f"The layers of {type(model).__name__} are made by its own code.")
    made = type(model)(**{name: own(value) for name, value in recovered(model).items()})
    problem = difference(made, model)
    if problem:
        raise RebuildError(f"it has {problem}")
    return made


@contextlib.contextmanager
def _uncompiled(model: keras.Model) -> Iterator[None]:
    """Keep a copy from being compiled: it would get an optimiser that nobody uses."""
    compiled = [layer for layer in model._flatten_layers() if vars(layer).get("compiled")]
    try:
        for layer in compiled:
            vars(layer)["compiled"] = False
        yield
    finally:
        for layer in compiled:
            vars(layer)["compiled"] = True


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")[:160]


def _again(layer: Any) -> Any:
    return made_from(layer, unbuilt_config(layer))


def made_from(layer: Any, config: dict[str, Any]) -> Any:
    """A layer of a configuration, by its old name: the configuration of a layer of the user's may hold none."""
    made = type(layer).from_config(config)
    made.name = layer.name
    return made


def unbuilt_config(layer: keras.layers.Layer) -> dict[str, Any]:
    """What a layer is made from; layers that it wraps take their widths anew from what they are given."""
    config = config_of(layer)
    for inner in _wrapped(config):
        inner.pop("build_config", None)
    return config | {name: getattr(layer, name) for name, value in config.items() if _is_function(layer, name, value)}


def _is_function(layer: keras.layers.Layer, name: str, value: object) -> bool:
    """Whether an entry stands for a function of the user's, which Keras cannot find by its name."""
    is_named = isinstance(value, dict) and value.get("class_name") in ("function", "__lambda__")
    return is_named and callable(getattr(layer, name, None))


def configs(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The configuration of a layer, or those of the layers that it wraps: both directions of a Bidirectional."""
    inner = [each["config"] for each in _wrapped(config)]
    if not inner:
        yield config
    for each in inner:
        yield from configs(each)


def _wrapped(config: dict[str, Any]) -> list[dict[str, Any]]:
    return [config[name] for name in ("layer", "backward_layer") if isinstance(config.get(name), dict)]
