"""The backend that Keras runs on. Only its own module is imported, so that no other framework is loaded."""

from __future__ import annotations

import keras

from shapewidget.frameworks.keras.backends.protocol import Backend


def _chosen() -> Backend:
    match keras.config.backend():
        case "torch":
            from shapewidget.frameworks.keras.backends.torch import Torch

            return Torch()
        case "jax":
            from shapewidget.frameworks.keras.backends.jax import Jax

            return Jax()
    from shapewidget.frameworks.keras.backends.tensorflow import TensorFlow

    return TensorFlow()


BACKEND = _chosen()
