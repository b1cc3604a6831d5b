"""Positions folded into the batch: told once, at the layer that folds them, and mended behind the model."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import shapewidget


class Fold(layers.Layer):
    def call(self, x):
        return keras.ops.reshape(x, (-1, 8))


@pytest.mark.parametrize("fold", [Fold(), layers.Lambda(lambda x: tf.reshape(x, (-1, 8)))], ids=["layer", "lambda"])
def test_positions_folded_into_the_batch_are_told_once_where_it_happens(fold):
    inputs = keras.Input((13, 8))
    model = keras.Model(inputs, layers.Dense(3)(fold(inputs)))
    (finding,) = shapewidget.probe(
        model,
        np.ones((32, 13, 8), "float32"),
        targets=np.zeros(32, "int64"),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    ).findings
    assert (finding.code, finding.expected, finding.got, finding.verified) == ("SW303", 32, 416, True)
    assert finding.reason.startswith("416 = 13 x 32")
    assert finding.fix == "loss(targets, ops.mean(ops.reshape(outputs, (-1, 13, *outputs.shape[1:])), 1))"
