"""Keras and TensorFlow programs that look odd and are right, to be run in `capture`."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from keras_wrong import floats, trained, whole


def resnet():
    x = keras.Input((32, 32, 3))
    y = layers.Conv2D(8, 3, padding="same")(x)
    for width in (8, 16):
        side = layers.Conv2D(width, 1, strides=2, padding="same")(y)
        z = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(width, 3, strides=2, padding="same")(y)))
        y = layers.Add()([side, layers.Conv2D(width, 3, padding="same")(z)])
    return keras.Model(x, layers.Dense(5)(layers.GlobalAveragePooling2D()(y)))(floats(2, 32, 32, 3))


def squeeze_and_excite():
    x = keras.Input((16, 16, 12))
    scale = layers.Dense(12, activation="sigmoid")(layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
    scaled = layers.Multiply()([x, layers.Reshape((1, 1, 12))(scale)])
    return keras.Model(x, scaled)(floats(2, 16, 16, 12))


def sequence_to_sequence():
    source, target = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    _, *state = layers.LSTM(16, return_state=True)(layers.Embedding(40, 8)(source))
    steps = layers.LSTM(16, return_sequences=True)(layers.Embedding(40, 8)(target), initial_state=state)
    context = layers.Attention()([steps, steps])
    model = keras.Model([source, target], layers.Dense(40)(layers.Concatenate()([steps, context])))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss=loss)
    model.fit([whole(40, 8, 6), whole(40, 8, 9)], whole(40, 8, 9), batch_size=4, verbose=0)


def masked_tagger():
    steps = [keras.Input((None,), dtype="int32"), layers.Embedding(40, 8, mask_zero=True)]
    steps += [layers.Bidirectional(layers.LSTM(6, return_sequences=True)), layers.TimeDistributed(layers.Dense(5))]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    trained(keras.Sequential(steps), whole(39, 16, 10) + 1, whole(5, 16, 10), loss, sample_weight=np.ones((16, 10)))


def transformer_block():
    x = keras.Input((12, 32))
    attended = layers.MultiHeadAttention(4, 8)(x, x, use_causal_mask=True)
    x1 = layers.LayerNormalization()(x + attended)
    y = layers.LayerNormalization()(x1 + layers.Dense(32)(layers.Dense(64, activation="gelu")(x1)))
    return keras.Model(x, y)(floats(3, 12, 32))


class Positions(layers.Layer):
    """Sines of (T, 1) positions times (F,) frequencies: an outer product that is meant."""

    def call(self, x):
        steps, width = ops.shape(x)[1], x.shape[-1]
        angles = ops.arange(steps, dtype="float32")[:, None] * (
            10000.0 ** (-ops.arange(width, dtype="float32") / width)
        )
        return x + ops.sin(angles)[None]


def sines():
    return keras.Sequential([keras.Input((None, 8)), Positions(), layers.GRU(4), layers.Dense(1)])(floats(3, 7, 8))


def autoencoder():
    steps = [keras.Input((28, 28, 1)), layers.Conv2D(8, 3, 2, padding="same"), layers.Conv2D(4, 3, 2, padding="same")]
    steps += [layers.Conv2DTranspose(8, 3, 2, padding="same"), layers.Conv2DTranspose(1, 3, 2, padding="same")]
    images = floats(8, 28, 28, 1)
    trained(keras.Sequential(steps), images, images, "mse")


def ids_with_a_last_axis():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, activation="softmax")])
    trained(model, floats(16, 6), whole(4, 16, 1), "sparse_categorical_crossentropy", metrics=["accuracy"])


def flat_targets_for_one_unit():
    trained(keras.Sequential([keras.Input((6,)), layers.Dense(1)]), floats(16, 6), floats(16), "mse", metrics=["mae"])


def binary_labels():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(1, activation="sigmoid")])
    trained(model, floats(16, 6), whole(2, 16), "binary_crossentropy", metrics=["accuracy"], class_weight={0: 1, 1: 3})


def many_labels_at_once():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(5, activation="sigmoid")])
    trained(model, floats(16, 6), whole(2, 16, 5), keras.losses.BinaryCrossentropy(), metrics=["binary_accuracy"])


def two_outputs():
    x = keras.Input((6,))
    y = layers.Dense(8)(x)
    model = keras.Model(x, {"kind": layers.Dense(3, name="kind")(y), "size": layers.Dense(1, name="size")(y)})
    losses = {"kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "size": "mse"}
    model.compile("sgd", loss=losses)
    model.fit(floats(16, 6), {"kind": whole(3, 16), "size": floats(16, 1)}, batch_size=8, verbose=0)


def siamese():
    one, two = keras.Input((9,)), keras.Input((9,))
    encoder = keras.Sequential([keras.Input((9,)), layers.Dense(4)])
    gap = layers.Subtract()([encoder(one), encoder(two)])
    return keras.Model([one, two], layers.Dense(1)(layers.Dot(axes=1)([gap, gap])))([floats(4, 9), floats(4, 9)])


def contrast(y_true, y_pred):
    """Every sample with every other, on purpose: both have a row of features."""
    scores = tf.matmul(y_pred, y_true, transpose_b=True)
    labels = tf.range(tf.shape(scores)[0])
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=scores)


def contrastive_loss():
    trained(keras.Sequential([keras.Input((6,)), layers.Dense(4)]), floats(16, 6), floats(16, 4), contrast)


def stateful_in_whole_batches():
    steps = [keras.Input(batch_shape=(8, 5, 2)), layers.GRU(3, stateful=True), layers.Dense(1)]
    trained(keras.Sequential(steps), floats(16, 5, 2), floats(16, 1), "mse")


def any_size_pooled():
    steps = [keras.Input((None, None, 3)), layers.Conv2D(4, 3), layers.GlobalMaxPooling2D(), layers.Dense(2)]
    model = keras.Sequential(steps)
    return model(floats(2, 20, 30, 3)), model(floats(1, 9, 9, 3))


def loop_with_a_tape():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(1)])
    optimizer = keras.optimizers.SGD()
    x, y = tf.constant(floats(16, 5)), tf.constant(floats(16, 1))
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))


def attention_by_hand():
    query, key, value = (tf.constant(floats(2, 4, 7, 8)) for _ in range(3))
    scores = tf.matmul(query, key, transpose_b=True) / tf.sqrt(8.0)
    joined = tf.matmul(tf.nn.softmax(scores), value)
    return tf.reshape(tf.transpose(joined, (0, 2, 1, 3)), (2, 7, 32))


def standardised():
    table = tf.constant(floats(50, 6))
    return (table - tf.reduce_mean(table, axis=0)) / tf.math.reduce_std(table, axis=0)


def distances():
    points = tf.constant(floats(20, 3))
    return tf.norm(points[:, None] - points[None], axis=-1)


def steps_picked_by_length():
    states, lengths = tf.constant(floats(8, 12, 6)), tf.constant(whole(11, 8) + 1, tf.int32)
    return tf.gather_nd(states, tf.stack([tf.range(8), lengths - 1], axis=1))


def datasets_to_their_end():
    data = tf.data.Dataset.from_tensor_slices((floats(10, 4), floats(10, 1))).batch(4)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    return [tf.reduce_mean(tf.square(model(x) - y)) for x, y in data]


def overlaps():
    scores, ids = floats(8, 6, 6, 4), whole(4, 8, 6, 6)
    keras.metrics.MeanIoU(num_classes=4, sparse_y_pred=False)(ids, scores)
    keras.metrics.MeanIoU(num_classes=4)(ids, tf.argmax(scores, -1))
    keras.metrics.MeanIoU(num_classes=2)(ids // 2, tf.cast(scores[..., 0] > 0, "float32"))
    keras.metrics.BinaryIoU(threshold=0.5)(ids // 2, tf.sigmoid(scores[..., 0]))
    return keras.metrics.OneHotMeanIoU(num_classes=4)(keras.utils.to_categorical(ids, 4), scores)


RIGHT = (
    resnet, squeeze_and_excite, sequence_to_sequence, masked_tagger, transformer_block, sines, autoencoder,
    ids_with_a_last_axis, flat_targets_for_one_unit, binary_labels, many_labels_at_once, two_outputs, siamese,
    contrastive_loss, stateful_in_whole_batches, any_size_pooled, loop_with_a_tape, attention_by_hand, standardised,
    distances, steps_picked_by_length, datasets_to_their_end, overlaps,
)  # fmt: skip
