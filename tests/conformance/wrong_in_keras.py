"""Small models of the conformance suite with a mistake each, in Keras."""

from __future__ import annotations

import keras
from conformance import in_keras
from keras import layers, ops

tensor, squared_error = in_keras.tensor, in_keras.squared_error


def built(units, width):
    layer = layers.Dense(units)
    layer.build((None, width))
    return layer


class SoftmaxOverKeys(in_keras.Attention):
    def call(self, x):
        scores = ops.matmul(self.query(x), ops.transpose(self.key(x), (0, 2, 1)))
        return self.head(ops.matmul(ops.softmax(scores, 1), self.value(x)))


class SoftmaxOverBatch(in_keras.Perceptron):
    def call(self, x):
        return ops.softmax(self.head(ops.relu(self.first(x))), 0)


class KeyNotTurned(in_keras.Attention):
    def call(self, x):
        scores = ops.matmul(self.query(x), self.key(x))
        return self.head(ops.matmul(ops.softmax(scores, -1), self.value(x)))


class LastOfBatch(in_keras.Reader):
    def call(self, x):
        states = self.read(x)
        return self.head(states[-1])


class MeanOverBatch(in_keras.Pooled):
    def call(self, ids):
        return self.head(ops.mean(self.embed(ids), 0))


class JoinedBatches(in_keras.TwoInputs):
    def __init__(self, left=4, right=5, width=6):
        super().__init__(left, right, width)
        self.head = built(2, 2 * width)

    def call(self, a, b):
        return self.head(ops.concatenate([self.one(a), self.other(b)], 0))


class OtherWidth(keras.Model):
    def __init__(self, features=6, width=7, inner=9, classes=3):
        super().__init__()
        self.enter, self.up = layers.Dense(width), layers.Dense(inner)
        self.head = layers.Dense(classes)

    def call(self, x):
        x = self.enter(x)
        return self.head(x + self.up(x))


class OnePooling(in_keras.Pictures):
    def __init__(self, channels=3, filters=8, classes=5):
        super().__init__(channels, filters, classes)
        self.head = built(classes, filters * 4)


class HeadsNotTurned(in_keras.Heads):
    def split(self, x):
        samples, steps, width = x.shape
        return ops.reshape(x, (samples, self.heads, steps, width // self.heads))


class NotTurnedBack(in_keras.Heads):
    def call(self, x):
        query, key, value = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        weights = ops.softmax(ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))), -1)
        return self.merge(ops.reshape(ops.matmul(weights, value), (*x.shape[:2], -1)))


class Standardised(in_keras.Autoencoder):
    def call(self, x):
        inner = self.encode(x)
        return self.decode(inner - ops.mean(inner))


class OtherCode(keras.Model):
    def __init__(self, features=6, inner=3):
        super().__init__()
        self.encode, self.decode = layers.Dense(inner), built(features, inner + 1)

    def call(self, x):
        return self.decode(ops.tanh(self.encode(x)))
