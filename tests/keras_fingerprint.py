"""All of a Keras model and of the process around it that a probe could change."""

from __future__ import annotations

import random

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state
from tensorflow.python.eager import execute


def fingerprint(model: keras.Model) -> dict[str, object]:
    """Two fingerprints are equal only if nothing of the model, its optimiser or the process changed."""
    everything = list(model._flatten_layers())
    optimizer = getattr(model, "optimizer", None)
    return {
        "weights": [(weight.path, weight.trainable, weight.numpy().tobytes()) for weight in model.variables],
        "optimizer": [variable.numpy().tobytes() for variable in optimizer.variables] if optimizer else [],
        "states": [[state.numpy().tobytes() for state in getattr(layer, "states", None) or ()] for layer in everything],
        "layers": [(layer.name, layer.built, layer._called, layer.trainable) for layer in everything],
        "nodes": [(len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in everything],
        "attributes": [{name: id(value) for name, value in vars(layer).items()} for layer in everything],
        "contents": [
            {name: list(map(id, value)) for name, value in vars(layer).items() if isinstance(value, list)}
            for layer in everything
        ],
        "generators": (random.getstate(), repr(np.random.get_state()), _keras_seed()),
        "names": dict(global_state.get_global_attribute("object_name_uids") or {}),
        "config": (
            keras.config.floatx(),
            keras.config.epsilon(),
            keras.config.image_data_format(),
            keras.config.dtype_policy().name,
            keras.config.is_traceback_filtering_enabled(),
        ),
        "process": (
            tf.executing_eagerly(),
            tf.config.functions_run_eagerly(),
            global_state.get_global_attribute("current_call_ctx"),
            [tf.config.experimental.get_memory_growth(gpu) for gpu in tf.config.list_physical_devices("GPU")],
        ),
        "patched": (
            id(keras.layers.Layer.__call__),
            id(keras.Operation.symbolic_call),
            id(keras.losses.Loss.__call__),
            id(execute.execute),
            id(execute.quick_execute),
        ),
    }


def _keras_seed() -> object:
    generator = global_state.get_global_attribute("global_seed_generator")
    return generator.state.numpy().tolist() if generator is not None else None
