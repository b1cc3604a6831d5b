"""Keras and TensorFlow programs with one mistake each, to be run in `capture`; each with the layer or loss at fault."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

DRAWN = np.random.default_rng(1)


def floats(*shape):
    return DRAWN.normal(size=shape).astype("float32")


def whole(below, *shape):
    return DRAWN.integers(0, below, shape)


# -- building ---------------------------------------------------------------------------------------------------


def dense_feeds_pooling():
    x = layers.Dense(64)(keras.Input((40,), name="spectrum"))
    return layers.MaxPooling1D(2, name="halve")(x)


def frames_into_lstm():
    clip = keras.Input((10, 16, 16, 3))
    x = layers.TimeDistributed(layers.Conv2D(6, 3))(clip)
    return layers.LSTM(12, name="motion")(x)


def residual_of_other_width():
    x = keras.Input((24, 24, 16))
    y = layers.Conv2D(32, 3, padding="same", name="wide")(x)
    y = layers.BatchNormalization()(y)
    return layers.Add(name="shortcut")([x, layers.ReLU()(y)])


def residual_with_stride():
    x = layers.Conv2D(32, 3, padding="same")(keras.Input((32, 32, 3)))
    y = layers.Conv2D(32, 3, strides=2, padding="same", name="down")(x)
    return layers.Add(name="shortcut")([x, y])


def bidirectional_residual():
    x = layers.Embedding(50, 20)(keras.Input((None,), dtype="int32"))
    y = layers.Bidirectional(layers.GRU(20, return_sequences=True), name="both")(x)
    return layers.Add(name="skip")([x, y])


def decoder_without_repeat():
    code = layers.Dense(8, name="code")(keras.Input((30,)))
    return layers.LSTM(4, return_sequences=True, name="decode")(code)


def generator_reshape():
    x = layers.Dense(7 * 7 * 32, name="grow")(keras.Input((16,)))
    x = layers.Reshape((7, 7, 64), name="image")(x)
    return layers.Conv2DTranspose(1, 4, strides=2, padding="same")(x)


def sequences_of_unknown_length_flattened():
    x = layers.Embedding(90, 8)(keras.Input((None,), dtype="int32"))
    return layers.Dense(1, name="score")(layers.Flatten(name="flat")(x))


def pooled_too_often():
    x = keras.Input((8, 8, 3))
    for number in range(4):
        x = layers.MaxPooling2D(2, name=f"pool_{number}")(x)
    return x


def concatenated_ranks():
    text = layers.LSTM(8, return_sequences=True, name="text")(keras.Input((15, 6)))
    numbers = layers.Dense(8)(keras.Input((5,)))
    return layers.Concatenate(name="join")([text, numbers])


def concatenated_along_time():
    x = keras.Input((20, 8))
    one, two = layers.Conv1D(16, 3, padding="same")(x), layers.Conv1D(32, 5, padding="same")(x)
    return layers.Concatenate(axis=1, name="scales")([one, two])


def inception_branch_not_padded():
    x = keras.Input((28, 28, 8))
    one = layers.Conv2D(4, 1)(x)
    three = layers.Conv2D(2, 1)(x)
    three = layers.Conv2D(4, 3, name="three")(three)
    return layers.Concatenate(name="branches")([one, three])


def gray_images_without_channels():
    return keras.Sequential([keras.Input((28, 28)), layers.Conv2D(8, 3, name="edges"), layers.Flatten()])


def flattened_before_recurrence():
    x = layers.Conv1D(8, 3)(keras.Input((30, 4)))
    return layers.GRU(5, name="reads")(layers.Flatten()(x))


def stacked_in_a_loop():
    x = layers.Embedding(30, 8)(keras.Input((9,), dtype="int32"))
    for width in (16, 8):
        x = layers.LSTM(width)(x)
    return layers.Dense(1)(x)


def dot_of_other_widths():
    user = layers.Dense(16, name="user")(keras.Input((10,)))
    film = layers.Dense(12, name="film")(keras.Input((20,)))
    return layers.Dot(axes=1, name="match")([user, film])


def operator_of_other_widths():
    x = keras.Input((10,))
    return layers.Dense(6, name="six")(x) * layers.Dense(5, name="five")(x)


def repeat_of_a_sequence():
    x = layers.LSTM(8, return_sequences=True, name="encode")(keras.Input((12, 3)))
    return layers.RepeatVector(5, name="copy")(x)


# -- training ---------------------------------------------------------------------------------------------------


def trained(model, x, y, loss, **options):
    model.compile("sgd", loss=loss, **{name: value for name, value in options.items() if name == "metrics"})
    rest = {name: value for name, value in options.items() if name != "metrics"}
    model.fit(x, y, batch_size=8, verbose=0, **rest)


def binary_loss_on_class_ids():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3, activation="softmax", name="species")])
    trained(model, floats(16, 6), whole(3, 16), keras.losses.BinaryCrossentropy())


def more_classes_than_units():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, activation="softmax", name="digit")])
    trained(model, floats(16, 6), np.eye(10)[whole(10, 16)], keras.losses.CategoricalCrossentropy())


def label_beyond_the_units():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, name="digit")])
    labels = np.array([1, 2, 3, 4] * 4)
    trained(model, floats(16, 6), labels, keras.losses.SparseCategoricalCrossentropy(from_logits=True))


def segmentation_with_class_ids():
    model = keras.Sequential([keras.Input((12, 12, 3)), layers.Conv2D(5, 3, padding="same", activation="softmax")])
    trained(model, floats(16, 12, 12, 3), whole(5, 16, 12, 12), keras.losses.CategoricalCrossentropy())


def images_never_flattened():
    steps = [keras.Input((12, 12, 3)), layers.Conv2D(4, 3), layers.MaxPooling2D(), layers.Dense(7, name="kind")]
    trained(
        keras.Sequential(steps), floats(16, 12, 12, 3), whole(7, 16), keras.losses.SparseCategoricalCrossentropy(True)
    )


def tagger_of_the_last_state():
    steps = [keras.Input((10,), dtype="int32"), layers.Embedding(40, 8), layers.Bidirectional(layers.LSTM(6), name="b")]
    model = keras.Sequential([*steps, layers.Dense(5, name="tags")])
    trained(model, whole(40, 16, 10), whole(5, 16, 10), keras.losses.SparseCategoricalCrossentropy(from_logits=True))


def accuracy_of_class_ids():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, activation="softmax")])
    loss = keras.losses.SparseCategoricalCrossentropy()
    trained(model, floats(16, 6), whole(4, 16, 1), loss, metrics=[keras.metrics.CategoricalAccuracy()])


class Quantile(keras.losses.Loss):
    def call(self, y_true, y_pred):
        error = y_true - y_pred
        return ops.mean(ops.maximum(0.9 * error, -0.1 * error), axis=-1)


def quantile_of_flat_targets():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
    Quantile()(floats(16), model(floats(16, 5)))


def whole_batch_loss():
    def total(y_true, y_pred):
        return tf.reduce_mean(tf.square(y_true - y_pred))

    model = keras.Sequential([keras.Input((5,)), layers.Dense(1)])
    trained(model, floats(16, 5), floats(16, 1), total, sample_weight=np.linspace(0, 1, 16))


class Stepwise(keras.Model):
    """Its own training step compares (n, 1) with (n,)."""

    def __init__(self):
        super().__init__()
        self.inner, self.head = layers.Dense(8, activation="relu"), layers.Dense(1)

    def call(self, x):
        return self.head(self.inner(x))

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self(x, training=True) - y) ** 2)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"loss": loss}


def own_training_step():
    model = Stepwise()
    model.compile("sgd")
    model.fit(floats(16, 5), floats(16), batch_size=8, verbose=0)


def loop_with_a_tape():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(1)])
    x, y = tf.constant(floats(16, 5)), tf.constant(floats(16))
    with tf.GradientTape() as tape:
        outputs = model(x, training=True)
        loss = tf.reduce_mean(tf.square(outputs - y))
    tape.gradient(loss, model.trainable_variables)


# -- plain TensorFlow -------------------------------------------------------------------------------------------


def product_of_rows():
    query, key = tf.constant(floats(4, 9, 16)), tf.constant(floats(4, 9, 16))
    return tf.matmul(query, key)


def concat_of_other_widths():
    left, right = tf.constant(floats(8, 5)), tf.constant(floats(8, 3))
    return tf.concat([left, right], axis=0)


def reshape_to_other_count():
    batch = tf.constant(floats(8, 6, 4))
    return tf.reshape(batch, (8, 20))


def picked_by_class(scores, labels):
    rows = tf.range(tf.shape(scores)[0])
    chosen = tf.gather_nd(scores, tf.stack([rows, labels], axis=1))
    return tf.nn.softmax_cross_entropy_with_logits(tf.one_hot(labels, 6), chosen)


def steps_picked_by_class():
    return picked_by_class(tf.constant(floats(32, 12, 6)), tf.constant(whole(6, 32), tf.int32))


def overlap_of(metric, targets):
    steps = [keras.Input((6, 6, 2)), layers.Conv2D(4, 1, activation="softmax")]
    model = keras.Sequential(steps)
    model.compile("sgd", loss="mse", metrics=[metric])
    model.evaluate(floats(8, 6, 6, 2), targets, verbose=0)


def overlap_of_one_hot_maps():
    overlap_of(keras.metrics.MeanIoU(num_classes=4), keras.utils.to_categorical(whole(4, 8, 6, 6), 4))


def overlap_of_probabilities():
    model = keras.Sequential([keras.Input((6, 6, 2)), layers.Conv2D(1, 1, activation="sigmoid")])
    model.compile("sgd", loss="binary_crossentropy", metrics=[keras.metrics.MeanIoU(num_classes=2)])
    model.evaluate(floats(8, 6, 6, 2), whole(2, 8, 6, 6, 1), verbose=0)


WRONG = {
    dense_feeds_pooling: ("halve",), frames_into_lstm: ("motion",), residual_of_other_width: ("shortcut",),
    residual_with_stride: ("shortcut",), bidirectional_residual: ("skip",),
    decoder_without_repeat: ("decode",), generator_reshape: ("image",),
    sequences_of_unknown_length_flattened: ("score",),
    pooled_too_often: ("pool_3",), concatenated_ranks: ("join", "text"), concatenated_along_time: ("scales",),
    inception_branch_not_padded: ("branches",), gray_images_without_channels: ("edges",),
    flattened_before_recurrence: ("reads",), stacked_in_a_loop: ("lstm",), dot_of_other_widths: ("match",),
    operator_of_other_widths: ("mul",), repeat_of_a_sequence: ("encode",),
    binary_loss_on_class_ids: ("BinaryCrossentropy",), more_classes_than_units: ("CategoricalCrossentropy",),
    label_beyond_the_units: ("SparseCategoricalCrossentropy",),
    segmentation_with_class_ids: ("CategoricalCrossentropy",), images_never_flattened: ("kind",),
    tagger_of_the_last_state: ("b",), accuracy_of_class_ids: ("CategoricalAccuracy",),
    quantile_of_flat_targets: ("sub",), whole_batch_loss: ("total",),
    own_training_step: ("sub",), loop_with_a_tape: ("sub",), product_of_rows: ("matmul",),
    concat_of_other_widths: ("concat",),
    reshape_to_other_count: ("reshape",), steps_picked_by_class: ("gather_nd",),
    overlap_of_one_hot_maps: ("MeanIoU",), overlap_of_probabilities: ("MeanIoU",),
}  # fmt: skip
"""Every program with the names that the first finding may give."""
