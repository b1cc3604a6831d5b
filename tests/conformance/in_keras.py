"""The small models of the conformance suite, in Keras."""

from __future__ import annotations

import keras
from keras import layers, ops


class Perceptron(keras.Model):
    def __init__(self, features=6, hidden=10, classes=3):
        super().__init__()
        self.first, self.head = layers.Dense(hidden), layers.Dense(classes)

    def call(self, x):
        return self.head(ops.relu(self.first(x)))


class Pictures(keras.Model):
    def __init__(self, channels=3, filters=8, classes=5):
        super().__init__()
        self.conv = layers.Conv2D(filters, 3, padding="same")
        self.pool, self.flat = layers.MaxPooling2D(2), layers.Flatten()
        self.head = layers.Dense(classes)

    def call(self, x):
        return self.head(self.flat(self.pool(self.conv(x))))


class Tagger(keras.Model):
    def __init__(self, vocab=20, emb=8, hidden=6, tags=4):
        super().__init__()
        self.embed = layers.Embedding(vocab, emb)
        self.both = layers.Bidirectional(layers.LSTM(hidden, return_sequences=True))
        self.head = layers.Dense(tags)

    def call(self, ids):
        states = self.both(self.embed(ids))
        return self.head(states)


class Reader(keras.Model):
    def __init__(self, features=6, hidden=7, classes=3):
        super().__init__()
        self.read = layers.GRU(hidden, return_sequences=True)
        self.head = layers.Dense(classes)

    def call(self, x):
        states = self.read(x)
        return self.head(states[:, -1])


class Attention(keras.Model):
    def __init__(self, features=6, width=8, classes=3):
        super().__init__()
        self.query, self.key = layers.Dense(width), layers.Dense(width)
        self.value, self.head = layers.Dense(width), layers.Dense(classes)

    def call(self, x):
        scores = ops.matmul(self.query(x), ops.transpose(self.key(x), (0, 2, 1)))
        return self.head(ops.matmul(ops.softmax(scores, -1), self.value(x)))


class Pooled(keras.Model):
    def __init__(self, vocab=20, emb=8, classes=3):
        super().__init__()
        self.embed, self.head = layers.Embedding(vocab, emb), layers.Dense(classes)

    def call(self, ids):
        return self.head(ops.mean(self.embed(ids), 1))


class Residual(keras.Model):
    def __init__(self, features=6, width=7, inner=9, classes=3):
        super().__init__()
        self.enter = layers.Dense(width)
        self.up, self.down = layers.Dense(inner), layers.Dense(width)
        self.head = layers.Dense(classes)

    def call(self, x):
        x = self.enter(x)
        return self.head(x + self.down(self.up(x)))


class TwoInputs(keras.Model):
    def __init__(self, left=4, right=5, width=6):
        super().__init__()
        self.one, self.other = layers.Dense(width), layers.Dense(width)
        self.head = layers.Dense(2)

    def call(self, a, b):
        return self.head(ops.concatenate([self.one(a), self.other(b)], -1))


class TwoOutputs(keras.Model):
    def __init__(self, features=6, width=8, classes=3):
        super().__init__()
        self.trunk = layers.Dense(width)
        self.score, self.label = layers.Dense(1), layers.Dense(classes)

    def call(self, x):
        x = self.trunk(x)
        return self.score(x), self.label(x)


class Shared(keras.Model):
    def __init__(self, features=6, width=8):
        super().__init__()
        self.encode, self.head = layers.Dense(width), layers.Dense(1)

    def call(self, a, b):
        return self.head(ops.concatenate([self.encode(a), self.encode(b)], -1))


class WrongWidth(keras.Model):
    def __init__(self, vocab=20, emb=8, hidden=6, tags=4):
        super().__init__()
        self.embed = layers.Embedding(vocab, emb)
        self.both = layers.Bidirectional(layers.LSTM(hidden, return_sequences=True))
        self.head = layers.Dense(tags)
        self.head.build((None, None, hidden))

    def call(self, ids):
        states = self.both(self.embed(ids))
        return self.head(states)


class Block(layers.Layer):
    def __init__(self, width):
        super().__init__()
        self.inner = layers.Dense(width)

    def call(self, x):
        return x + self.inner(x)


class Nested(keras.Model):
    def __init__(self, features=6, width=8):
        super().__init__()
        self.enter = layers.Dense(width)
        self.first, self.second = Block(width), Block(width)

    def call(self, x):
        return self.second(self.first(self.enter(x)))


class SquaredError(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_pred - y_true))


squared_error = SquaredError()
tensor = ops.convert_to_tensor
