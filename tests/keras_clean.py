"""Right Keras programs of many kinds, in which nothing may be found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import applications, layers, ops

DRAWN = np.random.default_rng(0)
Program = Callable[[], tuple[Any, ...]]
"""Gives a model, its inputs, and where there is a loss the targets and the loss."""


def floats(*shape: int) -> np.ndarray:
    return DRAWN.normal(size=shape).astype("float32")


def ids(below: int, *shape: int) -> np.ndarray:
    return DRAWN.integers(1, below, shape)


def chain(*steps: keras.layers.Layer) -> keras.Sequential:
    return keras.Sequential(list(steps))


def sparse() -> keras.losses.Loss:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def application(name: str, size: int = 32) -> Program:
    def make() -> tuple[Any, ...]:
        model = getattr(applications, name)(weights=None, input_shape=(size, size, 3), classes=4)
        return model, floats(2, size, size, 3), ids(4, 2), keras.losses.SparseCategoricalCrossentropy()

    return make


def merged(mode: str | None) -> Program:
    def make() -> tuple[Any, ...]:
        text = keras.Input((9, 3))
        both = layers.Bidirectional(layers.LSTM(5, return_sequences=True), merge_mode=mode)(text)
        both = layers.Add()(both) if mode is None else both
        return keras.Model(text, layers.Dense(4)(both)), floats(6, 9, 3), ids(4, 6, 9), sparse()

    return make


def masked_tagger():
    steps = [layers.Embedding(30, 8, mask_zero=True), layers.LSTM(6, return_sequences=True), layers.Dense(5)]
    return chain(keras.Input((9,), dtype="int32"), *steps), ids(30, 4, 9), ids(5, 4, 9), sparse()


def stateful():
    model = chain(keras.Input((9, 3), batch_size=4), layers.GRU(5, stateful=True), layers.Dense(1))
    return model, floats(4, 9, 3), floats(4, 1), keras.losses.MeanSquaredError()


def distributed():
    small = chain(keras.Input((8, 8, 1)), layers.Conv2D(3, 3), layers.GlobalAveragePooling2D())
    clip = keras.Input((None, 8, 8, 1))
    return keras.Model(clip, layers.Dense(2)(layers.LSTM(4)(layers.TimeDistributed(small)(clip)))), floats(
        2, 5, 8, 8, 1
    )


def transformer():
    text = keras.Input((None,), dtype="int32")
    x = layers.Embedding(30, 8)(text)
    attended = layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)
    x = layers.LayerNormalization()(layers.Add()([x, attended]))
    inner = layers.Dense(8)(layers.Dense(16, activation="gelu")(x))
    x = layers.LayerNormalization()(layers.Add()([x, inner]))
    return keras.Model(text, layers.Dense(30)(x)), ids(30, 3, 7), ids(30, 3, 7), sparse()


def cross_attention():
    question, text = keras.Input((None, 8)), keras.Input((None, 6))
    answer = layers.MultiHeadAttention(2, 4)(question, text)
    return keras.Model([question, text], layers.Dense(2)(answer)), (floats(3, 5, 8), floats(3, 9, 6))


def encoder_decoder():
    source, target = keras.Input((None, 4)), keras.Input((None, 3))
    _, hidden, cell = layers.LSTM(6, return_state=True)(source)
    states = layers.LSTM(6, return_sequences=True)(target, initial_state=[hidden, cell])
    return keras.Model([source, target], layers.Dense(3)(states)), (floats(3, 8, 4), floats(3, 5, 3))


def autoencoder():
    steps = [layers.LSTM(6), layers.RepeatVector(9), layers.LSTM(6, return_sequences=True)]
    series = floats(5, 9, 2)
    return (
        chain(keras.Input((9, 2)), *steps, layers.TimeDistributed(layers.Dense(2))),
        series,
        series,
        keras.losses.MeanSquaredError(),
    )


def unet():
    picture = keras.Input((16, 16, 3))
    down = layers.Conv2D(4, 3, padding="same", activation="relu")(picture)
    low = layers.Conv2D(8, 3, padding="same")(layers.MaxPooling2D()(down))
    up = layers.Concatenate()([layers.UpSampling2D()(low), down])
    return keras.Model(picture, layers.Conv2D(2, 1)(up)), floats(2, 16, 16, 3), ids(2, 2, 16, 16), sparse()


def squeeze_and_excite():
    picture = keras.Input((8, 8, 6))
    weights = layers.Dense(6, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(picture))
    return keras.Model(picture, layers.Multiply()([picture, weights])), floats(2, 8, 8, 6)


def siamese():
    encode = chain(keras.Input((7,)), layers.Dense(5))
    one, other = keras.Input((7,)), keras.Input((7,))
    apart = layers.Subtract()([encode(one), encode(other)])
    head = layers.Dense(1, activation="sigmoid")(apart)
    return keras.Model([one, other], head), (floats(6, 7), floats(6, 7)), ids(2, 6), keras.losses.BinaryCrossentropy()


def two_heads():
    x = keras.Input((7,))
    trunk = layers.Dense(5, activation="relu")(x)
    return keras.Model(x, {"price": layers.Dense(1)(trunk), "kind": layers.Dense(3)(trunk)}), floats(6, 7)


def rank_one_targets():
    return chain(keras.Input((7,)), layers.Dense(1)), floats(6, 7), floats(6), keras.losses.MeanSquaredError()


def depthwise():
    steps = [layers.SeparableConv2D(6, 3), layers.BatchNormalization(), layers.ReLU(), layers.DepthwiseConv2D(3)]
    return chain(keras.Input((12, 12, 3)), *steps, layers.GlobalMaxPooling2D(), layers.Dense(2)), floats(2, 12, 12, 3)


def preprocessing():
    steps = [layers.Rescaling(1 / 255), layers.Normalization(mean=0.0, variance=1.0), layers.Dense(2)]
    return chain(keras.Input((7,)), *steps), floats(5, 7)


class Positions(layers.Layer):
    def __init__(self, longest: int, width: int) -> None:
        super().__init__()
        self.table = layers.Embedding(longest, width)

    def call(self, x):
        return x + self.table(ops.arange(ops.shape(x)[1]))


def positions():
    text = keras.Input((None,), dtype="int32")
    x = Positions(64, 8)(layers.Embedding(30, 8)(text))
    return keras.Model(text, layers.Dense(3)(layers.GlobalAveragePooling1D()(x))), ids(30, 4, 9), ids(3, 4), sparse()


class Pointer(keras.Model):
    """Attention by hand: scores over time, and a weighted sum of the states."""

    def __init__(self, units: int = 6) -> None:
        super().__init__()
        self.read, self.score = layers.GRU(units, return_sequences=True), layers.Dense(1)
        self.head = layers.Dense(2)

    def call(self, x):
        states = self.read(x)
        weights = ops.softmax(self.score(states), axis=1)
        return self.head(ops.sum(weights * states, axis=1))


class Variational(keras.Model):
    def __init__(self, latent: int = 3) -> None:
        super().__init__()
        self.latent = latent
        self.mean, self.spread, self.decode = layers.Dense(latent), layers.Dense(latent), layers.Dense(7)
        self.seed = keras.random.SeedGenerator(0)

    def call(self, x):
        mean, spread = self.mean(x), self.spread(x)
        self.add_loss(0.5 * ops.mean(ops.square(mean) + ops.exp(spread) - spread - 1))
        noise = keras.random.normal(ops.shape(mean), seed=self.seed)
        return self.decode(mean + ops.exp(spread / 2) * noise)


class Contrastive(keras.Model):
    """Every sample is compared with every other on purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = layers.Dense(5)

    def call(self, x):
        codes = self.encode(x)
        return codes / ops.norm(codes, axis=-1, keepdims=True)

    def train_step(self, data):
        one, other = data
        with tf.GradientTape() as tape:
            scores = ops.matmul(self(one), ops.transpose(self(other))) / 0.1
            losses = keras.losses.sparse_categorical_crossentropy(
                ops.arange(ops.shape(one)[0]), scores, from_logits=True
            )
            loss = ops.mean(losses)
        self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
        return {"loss": loss}


class Adversarial(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.draw = chain(layers.Dense(8, activation="relu"), layers.Dense(7))
        self.judge = chain(layers.Dense(8, activation="relu"), layers.Dense(1))
        self.loss_function = keras.losses.BinaryCrossentropy(from_logits=True)

    def call(self, noise):
        return self.draw(noise)

    def train_step(self, real):
        noise = keras.random.normal((ops.shape(real)[0], 4))
        with tf.GradientTape() as tape:
            scores = self.judge(ops.concatenate([self.draw(noise), real], axis=0))
            count = ops.shape(real)[0]
            labels = ops.concatenate([ops.ones((count, 1)), ops.zeros((count, 1))], axis=0)
            loss = self.loss_function(labels, scores)
        self.optimizer.apply(tape.gradient(loss, self.judge.trainable_weights), self.judge.trainable_weights)
        return {"loss": loss}


PROGRAMS: dict[str, Program] = {
    **{name: application(name) for name in ("MobileNetV2", "ResNet50", "EfficientNetB0", "DenseNet121", "VGG16")},
    "Xception": application("Xception", 71),
    **{f"bidirectional_{mode}": merged(mode) for mode in ("concat", "sum", "mul", "ave", None)},
    "masked_tagger": masked_tagger,
    "stateful": stateful,
    "time_distributed": distributed,
    "transformer": transformer,
    "cross_attention": cross_attention,
    "encoder_decoder": encoder_decoder,
    "autoencoder": autoencoder,
    "unet": unet,
    "squeeze_and_excite": squeeze_and_excite,
    "siamese": siamese,
    "two_heads": two_heads,
    "rank_one_targets": rank_one_targets,
    "depthwise": depthwise,
    "preprocessing": preprocessing,
    "positions": positions,
    "pointer": lambda: (Pointer(), floats(4, 9, 3), ids(2, 4), sparse()),
    "variational": lambda: (Variational(), floats(6, 7), floats(6, 7), keras.losses.MeanSquaredError()),
}


def trained_with_weights() -> None:
    model = chain(keras.Input((7,)), layers.Dense(5, activation="relu"), layers.Dense(3))
    model.compile("sgd", sparse(), metrics=["accuracy"], weighted_metrics=["accuracy"])
    x, y = floats(8, 7), ids(3, 8)
    model.fit(x, y, sample_weight=np.ones(8), validation_data=(x, y), batch_size=4, verbose=0)
    model.fit(x, y, class_weight={0: 1.0, 1: 2.0, 2: 1.0}, batch_size=4, verbose=0)
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)


def trained_by_hand() -> None:
    model, optimizer = chain(layers.Dense(5), layers.Dense(1)), keras.optimizers.SGD()
    x, y = floats(8, 7), floats(8, 1)
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = ops.mean(ops.square(model(x) - y))
        optimizer.apply(tape.gradient(loss, model.trainable_weights), model.trainable_weights)


def contrastive() -> None:
    model = Contrastive()
    model.compile("sgd")
    model.fit(floats(8, 7), floats(8, 7), batch_size=4, verbose=0)


def adversarial() -> None:
    model = Adversarial()
    model.compile("sgd")
    model.fit(floats(8, 7), batch_size=4, verbose=0)


CODE: dict[str, Callable[[], None]] = {
    "trained_with_weights": trained_with_weights,
    "trained_by_hand": trained_by_hand,
    "contrastive": contrastive,
    "adversarial": adversarial,
}
