"""A token that all samples share, and one number of each, joined with what samples have of their own."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import shapewidget

PATCHES = np.random.default_rng(0).normal(size=(6, 5, 8)).astype("float32")
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class OfKeras(layers.Layer):
    def build(self, shape):
        self.token = self.add_weight(shape=(1, 1, shape[-1]))

    def call(self, patches):
        token = self.token
        return ops.concatenate([token, patches], axis=1)


class OfTensorFlow(OfKeras):
    def call(self, patches):
        token = tf.identity(self.token)
        return tf.concat([patches, token], 1)


class Reader(keras.Model):
    def __init__(self, tokens):
        super().__init__()
        self.tokens, self.head = tokens, layers.Dense(3, name="head")

    def call(self, patches):
        return self.head(self.tokens(patches)[:, 0])


@pytest.mark.parametrize(
    ("tokens", "fix"),
    [
        (OfKeras(), "ops.concatenate([ops.repeat(token, ops.shape(patches)[0], axis=0), patches], axis=1)"),
        (OfTensorFlow(), "tf.concat([patches, tf.repeat(token, tf.shape(patches)[0], axis=0)], 1)"),
    ],
)
def test_a_token_is_repeated_for_every_sample(tokens, fix):
    report = shapewidget.probe(Reader(tokens), PATCHES, targets=np.arange(6) % 3, loss=LOSS)
    (found,) = report.findings  # the run goes on with a token for each sample, and so the loss agrees
    assert (found.code, found.verified, found.fix) == ("SW202", True, f"return {fix}")
    assert str(report.graph.by_id["head"].outputs[0]) == "(B, 3)"


class Beside(keras.Model):
    """One number of each sample beside its features."""

    def __init__(self):
        super().__init__()
        self.body, self.join, self.head = layers.Dense(4), layers.Concatenate(name="join"), layers.Dense(1)

    def call(self, rows, age):
        seen = self.body(rows)
        return self.head(self.join([seen, age]))


def test_one_number_of_each_sample_is_given_an_axis_of_features():
    report = shapewidget.probe(Beside(), (PATCHES[:, 0], PATCHES[:, 0, 0]))
    found = next(each for each in report.findings if each.severity == "mismatch")
    assert (found.code, found.layer, found.verified) == ("SW202", "join", True)
    assert found.fix == "return self.head(self.join([seen, age[:, None]]))"
