"""Models that are written with TensorFlow alone: a `tf.Module` that can be called, seen as a model of Keras."""

from __future__ import annotations

import sys
from typing import Any

import keras


def is_plain(model: Any) -> bool:
    """Whether it is a `tf.Module` that can be called, and no layer of Keras."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or keras.config.backend() != "tensorflow" or isinstance(model, keras.layers.Layer):
        return False
    return isinstance(model, tensorflow.Module) and callable(model)


def as_model(module: Any) -> keras.Model:
    """A model that calls a module, and has its name and its variables. It cannot be made again at other sizes."""
    made = type(type(module).__name__, (_Module,), {})
    return made(module)


def is_of_tensorflow_alone(model: keras.Model) -> bool:
    """Whether a model is made of such a module: nothing of Keras trains it, or calls its loss."""
    return isinstance(model, _Module)


class _Module(keras.Model):  # type: ignore[misc]  # Keras tells no types
    """Hands its tensors on to a module; the variables are the module's own, and are not tracked twice."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        object.__setattr__(self, "module", module)  # Keras would track what it holds
        self.built = True

    @property
    def variables(self) -> list[Any]:
        """Those of the module."""
        return list(vars(self)["module"].variables)

    @property
    def weights(self) -> list[Any]:
        """Those of the module."""
        return self.variables

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the module gives."""
        return vars(self)["module"](*args, **kwargs)
