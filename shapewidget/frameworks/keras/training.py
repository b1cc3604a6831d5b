"""A copy of a model with all that a training step needs, so that the user's own is not trained by being measured."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from shapewidget.frameworks.adapter import Batch
from shapewidget.frameworks.keras.layer_costs import LayerWatch
from shapewidget.frameworks.keras.losses import as_compiled, name_of
from shapewidget.frameworks.keras.optimizers import NotMeasurableError, made_optimizer
from shapewidget.frameworks.keras.remaking import copy_of
from shapewidget.frameworks.keras.tensors import as_tensor, leaves

Loss = Callable[..., Any]


class TrainingRun:
    """A model and a batch of our own, run as `fit` and `predict` run them: in a `tf.function`.

    Args:
        model: Copied.
        batch: Its inputs and targets.
        loss: Called as ``loss(targets, outputs)``; None for the mean of the outputs.
        optimizer: An optimiser of Keras, or what makes one; None for that which the model was compiled with, or Adam.
        step: Makes a training step, called as ``step(model, inputs, targets, optimizer)``; None for a plain one.

    Raises:
        RebuildError: The model cannot be copied.
    """

    def __init__(self, model: keras.Model, batch: Batch, loss: Loss | None, optimizer: Any, step: Any = None) -> None:
        self._model = copy_of(model)
        self._args, self._kwargs, self._targets = keras.tree.map_structure(
            as_tensor, (batch.args, dict(batch.kwargs), batch.targets)
        )
        self._loss = as_compiled(loss) if loss is not None else None
        self._wanted = optimizer if optimizer is not None else getattr(model, "optimizer", None)
        self._optimizer: Any = None
        self._own_step = step
        self.forward = _compiled(self.plain_forward)
        self.training_forward = _compiled(functools.partial(self.plain_forward, training=True))
        self.gradients = _compiled(self._gradients)
        self.step = _compiled(self._step)

    @property
    def parameter_bytes(self) -> int:
        """Bytes of the weights."""
        return nbytes(self._model.weights)

    @property
    def gradient_bytes(self) -> int:
        """Bytes of one gradient for every weight that is trained."""
        return nbytes(self._model.trainable_weights)

    @property
    def input_bytes(self) -> int:
        """Bytes of the inputs and targets."""
        return nbytes(leaves((self._args, self._kwargs, self._targets)))

    @property
    def optimizer_bytes(self) -> int:
        """Bytes of what the optimiser keeps; 0 before it was made."""
        return nbytes(self._optimizer.variables) if self._optimizer is not None else 0

    @property
    def recipe(self) -> str:
        """Optimiser and loss of the training step, in words."""
        name = type(self._optimizer).__name__
        if self._own_step is not None:
            return f"optimiser {name}, a step made by {getattr(self._own_step, '__name__', 'the given step')}"
        if self._loss is None:
            return f"optimiser {name}, loss the mean of the floating-point outputs, as none was given"
        return f"optimiser {name}, loss {name_of(self._loss)}"

    def watch(self) -> LayerWatch:
        """What notes the layers of the copy, and not those of the user's model; a copy without weights is built."""
        if not all(layer.built for layer in self._model._flatten_layers()):
            self.plain_forward()
        return LayerWatch(self._model)

    def plain_forward(self, training: bool = False) -> Any:
        """A forward pass, operation by operation."""
        return self._model(*self._args, **self._kwargs, training=training)

    def start_training(self) -> None:
        """Make the optimiser.

        Raises:
            NotMeasurableError: There is nothing to train.
        """
        if not self._model.trainable_weights:
            raise NotMeasurableError("No training step was made: the model has no trainable weights.")
        self._optimizer = made_optimizer(self._wanted, self._model.trainable_weights)
        self._optimizer.build(self._model.trainable_variables)

    def _step(self) -> Any:
        """A training step: forward pass, loss, backward pass, optimiser step."""
        if self._own_step is not None:
            inputs = self._kwargs or (self._args[0] if len(self._args) == 1 else self._args)
            return self._own_step(self._model, inputs, self._targets, self._optimizer)
        gradients, loss = self._gradients()
        self._optimizer.apply(gradients, self._model.trainable_variables)
        return loss

    def _gradients(self) -> tuple[Any, Any]:
        """All of a training step but the optimiser's: the gradients, and the loss."""
        with tf.GradientTape() as tape:
            outputs = self.plain_forward(training=True)
            loss = self._loss(self._targets, outputs) if self._loss is not None else _mean(outputs)
            loss = tf.add_n([tf.reduce_sum(loss), *self._model.losses])
        return tape.gradient(loss, self._model.trainable_variables), loss


def _compiled(call: Callable[..., Any]) -> Callable[..., Any]:
    compiled: Callable[..., Any] = tf.function(tf.autograph.experimental.do_not_convert(call))
    return compiled


def nbytes(tensors: Any) -> int:
    """Bytes of the tensors or variables."""
    return sum(int(keras.ops.size(each)) * tf.as_dtype(each.dtype).size for each in tensors)


def _mean(outputs: Any) -> Any:
    """A loss of no meaning that reaches every output."""
    floating = [leaf for leaf in leaves(outputs) if leaf.dtype.is_floating]
    if not floating:
        raise NotMeasurableError("No training step was made: the model has no floating-point output. Give a `loss=`.")
    return tf.add_n([tf.reduce_mean(tf.cast(leaf, "float32")) for leaf in floating])
