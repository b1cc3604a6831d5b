"""Samples of a Keras model that reach one another without an error are told, and those that are kept apart are not."""

import keras
import numpy as np
from keras import layers, ops

import shapewidget

IDS = np.random.default_rng(0).integers(1, 30, (4, 9))


class Scored(keras.Model):
    def __init__(self, along):
        super().__init__()
        self.along = along
        self.embed, self.read = layers.Embedding(30, 8), layers.GRU(6, return_sequences=True)
        self.head = layers.Dense(3)

    def call(self, ids):
        scores = ops.softmax(self.embed(ids), self.along)
        return self.head(self.read(scores))


def test_operation_along_the_batch_is_found():
    (finding,) = shapewidget.probe(Scored(0), IDS).findings
    assert (finding.layer, finding.axis_name) == ("softmax", "batch")
    assert "the results of the others change" in finding.reason


def test_operation_along_another_axis_is_right():
    assert shapewidget.probe(Scored(-1), IDS).findings == ()


def test_layers_that_mix_only_in_training_are_right():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(5), layers.BatchNormalization(), layers.Dropout(0.5)])
    assert shapewidget.probe(model, IDS[:, :6].astype("float32")).findings == ()


def test_states_that_are_kept_between_batches_mix_nothing():
    model = keras.Sequential([keras.Input((9, 3), batch_size=4), layers.LSTM(5, stateful=True), layers.Dense(2)])
    model(np.ones((4, 9, 3), "float32"))
    before = [state.numpy().copy() for state in model.layers[0].states]
    report = shapewidget.probe(model, np.random.default_rng(0).normal(size=(4, 9, 3)).astype("float32"))
    assert report.findings == ()
    assert all(
        np.array_equal(state.numpy(), value) for state, value in zip(model.layers[0].states, before, strict=True)
    )
