"""What the layers of Keras declare about themselves and about the tensors that they take."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import keras

from shapewidget.frameworks.source.frames import is_own
from shapewidget.graph.records import Declared

_SIZES = ("units", "filters", "input_dim", "output_dim", "num_heads", "key_dim", "groups", "n", "depth_multiplier")
_SETTINGS = (
    "return_sequences",
    "return_state",
    "go_backwards",
    "stateful",
    "merge_mode",
    "axis",
    "axes",
    "target_shape",
    "kernel_size",
    "pool_size",
    "strides",
    "padding",
    "data_format",
    "dims",
    "mask_zero",
    "rate",
    "keepdims",
)

BUILT_FOR = "built_for"
"""The name of the input width that a layer took over from the first tensor it was given."""


def declared_sizes(layer: keras.layers.Layer) -> tuple[Declared, ...]:
    """The sizes that a layer was built with."""
    return tuple(_declared(layer))


def _declared(layer: keras.layers.Layer) -> Iterator[Declared]:
    inner = _wrapped(layer)
    for name in _held(inner, _SIZES):
        size = getattr(inner, name, None)
        if isinstance(size, int) and not isinstance(size, bool):
            yield Declared(name, size)
    width = built_width(layer)
    if width is not None:
        yield Declared(BUILT_FOR, width)


def built_width(layer: keras.layers.Layer) -> int | None:
    """The number of features or channels that the layer's weights were made for; None where they hold none."""
    inner = _wrapped(layer)
    cell = getattr(inner, "cell", inner)
    if not getattr(cell, "built", False) or isinstance(inner, keras.layers.Embedding):
        return None
    axes = _axes(inner)
    if -1 in axes:
        return axes[-1]
    kernel = getattr(cell, "kernel", None) if isinstance(inner, keras.layers.RNN) else None
    return int(kernel.shape[0]) if kernel is not None else None


def _axes(layer: keras.layers.Layer) -> dict[int, int]:
    found = layer.input_spec
    return dict(getattr(found, "axes", None) or {})


def _wrapped(layer: Any) -> Any:
    """The layer that a Bidirectional or TimeDistributed runs."""
    if isinstance(layer, keras.layers.Bidirectional):
        return layer.forward_layer
    return layer.layer if isinstance(layer, keras.layers.Wrapper) else layer


def settings(layer: keras.layers.Layer) -> dict[str, object]:
    """The settings of a layer that a reader of the graph wants to know, besides its sizes."""
    found: dict[str, object] = {}
    inner = _wrapped(layer)
    own = _held(layer, _SETTINGS)
    for name in own if inner is layer else dict.fromkeys((*own, *_held(inner, _SETTINGS))):
        value = getattr(layer if name in own else inner, name, None)
        value = tuple(value) if isinstance(value, list) else value
        if isinstance(value, bool | int | float | str | tuple):
            found[name] = value
    activation = getattr(getattr(layer, "activation", None), "__name__", None)
    return found | ({"activation": activation} if activation else {})


def _held(layer: keras.layers.Layer, names: tuple[str, ...]) -> list[str]:
    """Those of the names that a layer has: Python takes long to say that it has none of a name."""
    kind: Any = type(layer)
    own, inherited = vars(layer), _of_class(kind)
    return [name for name in names if name in own or name in inherited]


@functools.lru_cache(maxsize=1024)
def _of_class(kind: type[Any]) -> frozenset[str]:
    return frozenset(dir(kind)) & {*_SIZES, *_SETTINGS}


def is_drawn_whole(layer: keras.layers.Layer) -> bool:
    """Whether a layer is one node: any layer of Keras's own that is no model.

    A layer written by the user is opened, because what goes wrong is in its call, and so is a Lambda of the user's.
    """
    if isinstance(layer, keras.layers.Lambda) and isinstance(layer.function, FunctionType):
        return not is_own(layer.function.__code__.co_filename)
    return not isinstance(layer, keras.Model) and is_keras_own(layer)


def is_keras_own(layer: keras.layers.Layer) -> bool:
    """Whether its class is one of Keras, and not the user's."""
    return type(layer).__module__.split(".")[0] == "keras"


def declared_shapes(model: keras.Model) -> list[tuple[int | None, ...]]:
    """The shapes of the inputs that a model was built with, None where an axis may have any size."""
    try:
        return [tuple(tensor.shape) for tensor in keras.tree.flatten(model.inputs) or ()]
    except (AttributeError, ValueError):
        return []
