"""Whether a change of the code leaves what a Keras model gives for a batch as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from shapewidget.frameworks.adapter import Attempt, Batch
from shapewidget.frameworks.keras.guard import same_process_state, untouched
from shapewidget.frameworks.keras.tensors import as_tensor, leaves

Loss = Callable[[Any, Any], Any]


def gives_the_same(model: keras.Model, attempt: Attempt, batch: Batch, loss: Loss | None) -> bool:
    """Whether a built model and the copy that was changed give the same, and the same loss, under one seed.

    Raises:
        Exception: Whatever either of them raises.
    """
    changed = attempt.batch(batch) if attempt.batch is not None else batch
    with untouched(model), same_process_state():
        if attempt.model is not model:
            _results(attempt.model, changed, None)  # which builds it
            attempt.model.set_weights(model.get_weights())
        before, after = _results(model, batch, loss), _results(attempt.model, changed, attempt.loss or loss)
    return len(before) == len(after) and all(map(_is_alike, before, after))


def _results(model: keras.Model, batch: Batch, loss: Loss | None) -> list[Any]:
    args, kwargs, targets = keras.tree.map_structure(as_tensor, (batch.args, dict(batch.kwargs), batch.targets))
    keras.utils.set_random_seed(0)
    outputs = model(*args, **kwargs)
    value = loss(targets, outputs) if loss is not None else ()
    return [np.asarray(keras.ops.convert_to_numpy(tensor)) for tensor in (*leaves(outputs), *leaves(value))]


def _is_alike(one: Any, other: Any) -> bool:
    return bool(one.shape == other.shape and np.allclose(one, other, rtol=1e-4, atol=1e-6))
