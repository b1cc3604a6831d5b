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


class Siamese(keras.Model):
    def __init__(self, features=6, width=8):
        super().__init__()
        self.encode, self.head = layers.Dense(width), layers.Dense(1)

    def call(self, a, b):
        return self.head(ops.abs(self.encode(a) - self.encode(b)))


class Autoencoder(keras.Model):
    def __init__(self, features=6, inner=3):
        super().__init__()
        self.encode, self.decode = layers.Dense(inner), layers.Dense(features)

    def call(self, x):
        return self.decode(ops.tanh(self.encode(x)))


class Gated(keras.Model):
    def __init__(self, features=6, width=8, classes=3):
        super().__init__()
        self.value, self.gate = layers.Dense(width), layers.Dense(width)
        self.norm, self.head = layers.LayerNormalization(), layers.Dense(classes)

    def call(self, x):
        return self.head(self.norm(self.value(x) * ops.sigmoid(self.gate(x))))


class Heads(keras.Model):
    def __init__(self, features=6, heads=2, width=16):
        super().__init__()
        self.heads = heads
        self.query, self.key = layers.Dense(width), layers.Dense(width)
        self.value, self.merge = layers.Dense(width), layers.Dense(width)

    def split(self, x):
        samples, steps, width = x.shape
        return ops.transpose(ops.reshape(x, (samples, steps, self.heads, width // self.heads)), (0, 2, 1, 3))

    def call(self, x):
        query, key, value = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        weights = ops.softmax(ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))), -1)
        joined = ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3))
        return self.merge(ops.reshape(joined, (*x.shape[:2], -1)))


class Positions(keras.Model):
    def __init__(self, vocab=20, longest=32, emb=8, classes=3):
        super().__init__()
        self.embed, self.place = layers.Embedding(vocab, emb), layers.Embedding(longest, emb)
        self.head = layers.Dense(classes)

    def call(self, ids, places):
        return self.head(self.embed(ids) + self.place(places))


class Translator(keras.Model):
    def __init__(self, features=4, hidden=7, classes=3):
        super().__init__()
        self.read = layers.GRU(hidden, return_state=True, return_sequences=True)
        self.write, self.head = layers.GRU(hidden, return_sequences=True), layers.Dense(classes)

    def call(self, source, target):
        _, state = self.read(source)
        return self.head(self.write(target, initial_state=state))


class Summary(keras.Model):
    def __init__(self, features=6, width=8, classes=3):
        super().__init__()
        self.enter, self.head = layers.Dense(width), layers.Dense(classes)

    def call(self, x):
        x = ops.relu(self.enter(x))
        return self.head(ops.concatenate([ops.mean(x, 1), ops.max(x, 1)], -1))


class Stacked(keras.Model):
    def __init__(self, features=6, width=8, classes=3):
        super().__init__()
        self.one, self.other, self.head = layers.Dense(width), layers.Dense(width), layers.Dense(classes)

    def call(self, x):
        both = ops.stack([self.one(x), self.other(x)], 1)
        return self.head(ops.sum(both, 1))


class SquaredError(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_pred - y_true))


squared_error = SquaredError()
tensor = ops.convert_to_tensor
