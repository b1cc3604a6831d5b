"""Keras models in which something runs along another axis than was meant, each beside one that is right."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import layers, ops
from keras_silent import Called
from keras_wrong import floats, whole


def attention_of_steps(summed):
    steps = keras.Input((20, 8))
    read = layers.LSTM(16, return_sequences=True)(steps)
    weights = layers.Activation("softmax")(layers.Flatten()(layers.Dense(1)(read)))
    weighted = layers.Multiply()([read, layers.Permute((2, 1))(layers.RepeatVector(16)(weights))])
    context = layers.Lambda(lambda x: ops.sum(x, axis=summed), name="context")(weighted)
    return keras.Model(steps, layers.Dense(3)(context)), floats(6, 20, 8)


class Bahdanau(layers.Layer):
    def __init__(self, summed, **more):
        super().__init__(**more)
        self.summed, self.query, self.key, self.score = summed, layers.Dense(10), layers.Dense(10), layers.Dense(1)

    def call(self, state, steps):
        scores = self.score(tf.nn.tanh(self.query(state)[:, None] + self.key(steps)))
        return tf.reduce_sum(tf.nn.softmax(scores, axis=1) * steps, axis=self.summed)


def caption(summed):
    def call(self, x):
        steps, state = self.read(x)
        return self.head(self.attend(state, steps))

    read = layers.GRU(24, return_sequences=True, return_state=True)
    return Called(call, read=read, attend=Bahdanau(summed), head=layers.Dense(5)), floats(6, 11, 7)


class Pooled(keras.Model):
    def __init__(self, axes):
        super().__init__()
        self.axes, self.conv, self.head = axes, layers.Conv2D(12, 3), layers.Dense(5)

    def call(self, x):
        return self.head(tf.reduce_mean(self.conv(x), axis=self.axes))


def pooled_by_hand(axes):
    return Pooled(axes), floats(4, 11, 11, 3)


def last_step_of_both(steps):
    x = keras.Input((None, 6))
    read = layers.Bidirectional(layers.LSTM(8, return_sequences=steps), name="both")(x)
    read = layers.Lambda(lambda each: each[:, -1, :])(read) if steps else read
    return keras.Model(x, layers.Dense(2)(read)), floats(5, 12, 6)


def read_backwards(axis):
    x = keras.Input((12, 6))
    turned = layers.Lambda(lambda each: tf.reverse(each, axis=[axis]), name="turned")(x)
    return keras.Model(x, layers.Dense(2)(layers.concatenate([layers.LSTM(8)(x), layers.LSTM(8)(turned)]))), floats(
        5, 12, 6
    )


class Backwards(keras.Model):
    def __init__(self, along_time):
        super().__init__()
        self.along_time, self.read, self.head = along_time, layers.GRU(8), layers.Dense(2)

    def call(self, x):
        if self.along_time:
            return self.head(self.read(x[:, ::-1]))
        return self.head(self.read(x[:, :, ::-1]))


def read_backwards_by_slices(along_time):
    return Backwards(along_time), floats(5, 12, 6)


def tags(axis):
    words = keras.Input((None,), dtype="int32")
    scores = layers.Dense(7)(layers.LSTM(8, return_sequences=True)(layers.Embedding(50, 12)(words)))
    model = keras.Model(words, layers.Softmax(axis=axis, name="tags")(scores))
    return model, whole(50, 6, 13), whole(7, 6, 13), keras.losses.SparseCategoricalCrossentropy()


def normalised(norm):
    x = keras.Input((12, 6))
    read = norm(layers.Dense(16)(x))
    read = read + layers.MultiHeadAttention(2, 8)(read, read)
    return keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling1D()(read))), floats(5, 12, 6)


class UnitVectors(keras.Model):
    def __init__(self, axis):
        super().__init__()
        self.axis, self.body, self.head = axis, layers.Dense(16, activation="relu"), layers.Dense(8)

    def call(self, x):
        return tf.math.l2_normalize(self.head(self.body(x)), axis=self.axis)


def unit_vectors(axis):
    return UnitVectors(axis), floats(6, 10)


class RunningSums(keras.Model):
    def __init__(self, **named):
        super().__init__()
        self.named, self.rates = named, layers.Dense(12)

    def call(self, x):
        return tf.cumsum(self.rates(x), **self.named)


def running_sums(**named):
    return RunningSums(**named), floats(6, 10)


def features_correlated():
    """Barlow Twins: columns of length 1, so that the product of two is a correlation of features."""

    def call(self, one, other):
        one, other = (tf.math.l2_normalize(self.body(each), axis=0) for each in (one, other))
        return tf.matmul(one, other, transpose_a=True)

    return Called(call, body=layers.Dense(8)), (floats(6, 10), floats(6, 10))


def translated(order):
    source, target = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    words = layers.Embedding(40, 12)
    _, *states = layers.LSTM(20, return_state=True)(words(source))
    states = [states[place] for place in order]
    read = layers.LSTM(20, return_sequences=True, name="decoder")(words(target), initial_state=states)
    return keras.Model([source, target], layers.Dense(40)(read)), (whole(40, 6, 9), whole(40, 6, 7))


def translated_from_both(order):
    source, target = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    words = layers.Embedding(40, 12)
    _, *states = layers.Bidirectional(layers.LSTM(10, return_state=True))(words(source))
    pairs = [layers.Concatenate()([states[place] for place in pair]) for pair in order]
    read = layers.LSTM(20, return_sequences=True, name="decoder")(words(target), initial_state=pairs)
    return keras.Model([source, target], layers.Dense(40)(read)), (whole(40, 6, 9), whole(40, 6, 7))


def attends_with_padding(behind):
    ids = keras.Input((9,), dtype="int32")
    x = layers.Embedding(30, 8)(ids)
    real = ops.expand_dims(ops.not_equal(ids, 0), -1 if behind else 1)
    x = layers.MultiHeadAttention(2, 4, name="attention")(x, x, attention_mask=real)
    return keras.Model(ids, layers.Dense(2)(layers.GlobalMaxPooling1D()(x))), whole(30, 6, 9)


def regression(loss):
    return keras.Sequential([keras.Input((6,)), layers.Dense(5)]), floats(16, 6), floats(16, 5), loss


def distances(over):
    return regression(lambda y, p: ops.sqrt(ops.sum(ops.square(p - y), axis=over)))


def errors_of_columns():
    return regression(lambda y, p: ops.sqrt(ops.mean(ops.square(p - y), axis=0)))


def relative_distances():
    return regression(
        lambda y, p: ops.sqrt(ops.sum(ops.square(p - y), axis=0)) / ops.sqrt(ops.sum(ops.square(y), axis=0))
    )


def tiled(y, p):
    return ops.mean(ops.square(p - ops.reshape(ops.tile(y, (7, 1)), (-1, 7, 1))))


def repeated(y, p):
    return ops.mean(ops.square(p - ops.reshape(ops.repeat(y, 7, axis=0), (-1, 7, 1))))


def label_of_every_step(loss):
    model = keras.Sequential([keras.Input((7, 3)), layers.GRU(5, return_sequences=True), layers.Dense(1)])
    return model, floats(12, 7, 3), floats(12, 1), loss


def tagged(along):
    def loss(y, p):
        return -tf.gather(tf.nn.log_softmax(p), tf.cast(y, tf.int32), axis=along, batch_dims=along)

    model = keras.Sequential([keras.Input((9, 6)), layers.GRU(5, return_sequences=True), layers.Dense(7)])
    return model, floats(4, 9, 6), whole(7, 4, 9), loss


class LastStep(keras.Model):
    def __init__(self):
        super().__init__()
        self.steps, self.head = layers.GRU(8, return_sequences=True), layers.Dense(2)

    def call(self, x):
        return self.head(self.steps(x)[:, -1])


class LastSample(LastStep):
    def call(self, x):
        return self.head(self.steps(x)[-1])


class Weighed(layers.Layer):
    """Attention whose softmax is written by hand, along an axis that is handed in."""

    def __init__(self, axis, **more):
        super().__init__(**more)
        self.axis, self.score = axis, layers.Dense(1)

    def call(self, steps):
        grown = tf.exp(self.score(steps)[:, :, 0])
        weights = grown / tf.reduce_sum(grown, axis=self.axis, keepdims=True)
        return tf.reduce_sum(steps * weights[..., None], axis=1)


def weighed_by_hand(axis):
    steps = keras.Input((9, 8))
    return keras.Model(steps, layers.Dense(2)(Weighed(axis)(layers.GRU(12, return_sequences=True)(steps)))), floats(
        5, 9, 8
    )


def twins(axis):
    """A siamese network that gives the distance of two pictures."""

    def distance(both):
        squares = ops.sum(ops.square(both[0] - both[1]), axis=axis, keepdims=True)
        return ops.sqrt(ops.maximum(squares, 1e-7))

    one, other = keras.Input((12,)), keras.Input((12,))
    tower = keras.Sequential([keras.Input((12,)), layers.Dense(16, activation="relu"), layers.Dense(8)])
    apart = layers.Lambda(distance)([tower(one), tower(other)])
    return keras.Model([one, other], apart), [floats(6, 12), floats(6, 12)]


class Rated(keras.Model):
    """A recommender: the vectors of a reader and a film, and how the reader rates in general."""

    def __init__(self):
        super().__init__()
        self.readers, self.films = layers.Embedding(30, 8), layers.Embedding(40, 8)
        self.habits = layers.Embedding(30, 1)


class RatedTogether(Rated):
    def call(self, pairs):
        product = tf.tensordot(self.readers(pairs[:, 0]), self.films(pairs[:, 1]), 2)
        return tf.nn.sigmoid(product + self.habits(pairs[:, 0]))


class RatedEach(Rated):
    def call(self, pairs):
        product = tf.reduce_sum(self.readers(pairs[:, 0]) * self.films(pairs[:, 1]), axis=1, keepdims=True)
        return tf.nn.sigmoid(product + self.habits(pairs[:, 0]))


def rated(model):
    return model, whole(30, 7, 2), floats(7, 1), keras.losses.MeanSquaredError()


class Placed(layers.Layer):
    """A table of positions, looked up for the numbers of an axis that is handed in."""

    def __init__(self, axis, **more):
        super().__init__(**more)
        self.axis, self.places = axis, layers.Embedding(32, 8)

    def call(self, steps):
        table = self.places(tf.range(tf.shape(steps)[self.axis]))
        return steps + (table[:, None] if self.axis == 0 else table)


def placed(axis):
    steps = keras.Input((9, 8))
    return keras.Model(steps, layers.Dense(2)(layers.GlobalAveragePooling1D()(Placed(axis)(steps)))), floats(5, 9, 8)


class BatchMirrored(layers.Layer):
    def call(self, pictures):
        return tf.reverse(pictures, axis=[0])


class Mirrored(layers.Layer):
    """A layer that Keras cannot write down: it is made of a function."""

    def __init__(self, mirror, **more):
        super().__init__(**more)
        self.mirror = mirror

    def call(self, pictures):
        return self.mirror(pictures)


def mirrored(layer):
    picture = keras.Input((12, 12, 3))
    features = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3)(layer(picture)))
    return keras.Model(picture, layers.Dense(3)(features)), floats(4, 12, 12, 3)


def columns_mirrored(pictures):
    return tf.reverse(pictures, axis=[2])


def mixed_with_mirrored(pictures):
    return 0.7 * pictures + 0.3 * tf.reverse(pictures, axis=[0])


def mirrored_twice(pictures):
    return tf.reverse(tf.square(tf.reverse(pictures, axis=[0])), axis=[0])


class Attends(keras.Model):
    """Self-attention or a recurrent layer, with or without a transpose in front of it and one behind."""

    def __init__(self, read):
        super().__init__()
        self.features, self.read, self.head = layers.Dense(16), read, layers.Dense(3)


class AttendsAcross(Attends):
    def call(self, x):
        steps = ops.transpose(self.features(x), (1, 0, 2))
        steps = self.read(steps, steps)
        steps = ops.transpose(steps, (1, 0, 2))
        return self.head(ops.mean(steps, axis=1))


class ReadsAcross(Attends):
    def call(self, x):
        steps = tf.transpose(self.features(x), perm=[1, 0, 2])
        return self.head(ops.mean(tf.transpose(self.read(steps), perm=[1, 0, 2]), axis=1))


class AttendsAlong(Attends):
    def call(self, x):
        steps = self.features(x)
        return self.head(ops.mean(self.read(steps, steps), axis=1))


def attention(name="read"):
    return layers.MultiHeadAttention(2, 8, name=name)


def unet(axis):
    """A skip of a U-Net, which is joined along an axis that is handed in."""
    picture = keras.Input((16, 16, 3))
    fine = layers.Conv2D(8, 3, padding="same")(picture)
    coarse = layers.Conv2D(8, 3, padding="same")(layers.MaxPooling2D()(fine))
    grown = layers.Conv2DTranspose(8, 2, strides=2, padding="same")(coarse)
    both = layers.Concatenate(axis=axis, name="skip")([grown, fine])
    features = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(both))
    return keras.Model(picture, layers.Dense(3)(features)), floats(4, 16, 16, 3)


def branches(axis):
    """Branches of an inception block with the channels first."""
    picture = keras.Input((3, 16, 16))
    first = {"padding": "same", "data_format": "channels_first"}
    maps = [layers.Conv2D(4, size, **first)(picture) for size in (1, 3, 5)]
    both = layers.BatchNormalization(axis=1)(layers.Concatenate(axis=axis, name="branches")(maps))
    return keras.Model(picture, layers.GlobalAveragePooling2D(data_format="channels_first")(both)), floats(4, 3, 16, 16)


def halves():
    """A picture cut in two, and put together again behind a convolution."""
    picture, edges = keras.Input((16, 16, 3)), layers.Conv2D(6, 3, padding="same")
    parts = [layers.Cropping2D(((top, 8 - top), (0, 0)))(edges(picture)) for top in (0, 8)]
    again = layers.Conv2D(6, 3, padding="same")
    return keras.Model(picture, layers.Concatenate(axis=1)([again(part) for part in parts])), floats(4, 16, 16, 3)


def two_eyes():
    """The pictures of two cameras, side by side."""
    left, right, edges = keras.Input((16, 16, 3)), keras.Input((16, 16, 3)), layers.Conv2D(6, 3, padding="same")
    both = layers.Concatenate(axis=2)([edges(left), edges(right)])
    return keras.Model([left, right], layers.Conv2D(2, 3)(both)), [floats(4, 16, 16, 3), floats(4, 16, 16, 3)]


WRONG = {
    "skip_joined_along_the_rows": (lambda: unet(1), "SW672", "skip"),
    "branches_joined_along_the_columns": (lambda: branches(-1), "SW672", "branches"),
    "softmax_by_hand_over_the_batch": (lambda: weighed_by_hand(0), "SW603", "sum"),
    "distances_of_twins_over_the_batch": (lambda: twins(0), "SW603", "sum"),
    "product_of_whole_batches": (lambda: rated(RatedTogether()), "SW603", "tensordot"),
    "positions_of_samples_of_fixed_length": (lambda: placed(0), "SW604", "add"),
    "batch_mirrored": (lambda: mirrored(BatchMirrored()), "SW603", "reverse"),
    "attention_across_the_batch": (lambda: (AttendsAcross(attention()), floats(6, 9, 5)), "SW503", "read"),
    "recurrence_across_the_batch": (
        lambda: (ReadsAcross(layers.LSTM(8, return_sequences=True, name="read")), floats(6, 9, 5)),
        "SW503",
        "read",
    ),
    "mask_of_queries": (lambda: attends_with_padding(True), "SW615", "attention"),
    "distances_over_the_batch": (lambda: distances(0), "SW603", "sum"),
    "labels_tiled_and_cut": (lambda: label_of_every_step(tiled), "SW616", "tile"),
    "steps_picked_by_class": (lambda: tagged(1), "SW614", "gather"),
    "last_sample_for_last_step": (lambda: (LastSample(), floats(4, 9, 6)), "SW610", "index"),
    "attention_sums_the_features": (lambda: attention_of_steps(-1), "SW608", "sum"),
    "bahdanau_sums_the_features": (lambda: caption(-1), "SW608", "sum"),
    "features_averaged_with_columns": (lambda: pooled_by_hand((2, 3)), "SW661", "mean"),
    "one_step_of_the_backward_direction": (lambda: last_step_of_both(True), "SW605", "both"),
    "features_reversed": (lambda: read_backwards(-1), "SW644", "reverse_v2"),
    "features_reversed_by_a_slice": (lambda: read_backwards_by_slices(False), "SW644", "index"),
    "tags_add_up_over_time": (lambda: tags(1), "SW660", "tags"),
    "layers_normalised_over_time": (
        lambda: normalised(layers.LayerNormalization(axis=1, name="norm")),
        "SW613",
        "norm",
    ),
    "batches_normalised_by_step": (lambda: normalised(layers.BatchNormalization(axis=1, name="norm")), "SW613", "norm"),
    "lengths_over_the_batch": (lambda: unit_vectors(0), "SW603", "l2_normalize"),
    "lengths_of_everything": (lambda: unit_vectors(None), "SW603", "sum"),
    "sums_running_over_the_batch": (running_sums, "SW603", "cumsum"),
    "states_swapped": (lambda: translated((1, 0)), "SW670", "decoder"),
    "states_of_both_directions_mixed": (lambda: translated_from_both(((0, 1), (2, 3))), "SW670", "decoder"),
}
"""Every program with the code of the first finding, and where it is."""

UNPROVEN = ("states_swapped", "states_of_both_directions_mixed", "positions_of_samples_of_fixed_length")

RIGHT = {
    "skip_joined_along_the_channels": lambda: unet(-1),
    "branches_joined_along_the_channels": lambda: branches(1),
    "halves_put_together": halves,
    "pictures_side_by_side": two_eyes,
    "softmax_by_hand_over_the_steps": lambda: weighed_by_hand(1),
    "distances_of_twins_over_the_features": lambda: twins(1),
    "product_of_each_pair": lambda: rated(RatedEach()),
    "positions_of_steps_of_fixed_length": lambda: placed(1),
    "columns_mirrored": lambda: mirrored(Mirrored(columns_mirrored)),
    "mixed_with_the_batch_mirrored": lambda: mirrored(Mirrored(mixed_with_mirrored)),
    "batch_mirrored_and_back": lambda: mirrored(Mirrored(mirrored_twice)),
    "attention_along_the_steps": lambda: (AttendsAlong(attention()), floats(6, 9, 5)),
    "mask_of_keys": lambda: attends_with_padding(False),
    "distances_over_the_features": lambda: distances(-1),
    "error_of_every_column": errors_of_columns,
    "distances_relative_to_the_targets": relative_distances,
    "labels_repeated_and_cut": lambda: label_of_every_step(repeated),
    "classes_picked": lambda: tagged(2),
    "last_step": lambda: (LastStep(), floats(4, 9, 6)),
    "attention_sums_the_steps": lambda: attention_of_steps(1),
    "bahdanau_sums_the_steps": lambda: caption(1),
    "rows_averaged_with_columns": lambda: pooled_by_hand((1, 2)),
    "last_states_of_both_directions": lambda: last_step_of_both(False),
    "steps_reversed": lambda: read_backwards(1),
    "steps_reversed_by_a_slice": lambda: read_backwards_by_slices(True),
    "tags_add_up": lambda: tags(-1),
    "layers_normalised_over_features": lambda: normalised(layers.LayerNormalization()),
    "batches_normalised_by_feature": lambda: normalised(layers.BatchNormalization()),
    "lengths_over_the_features": lambda: unit_vectors(1),
    "features_correlated": features_correlated,
    "sums_running_over_the_features": lambda: running_sums(axis=1),
    "states_in_order": lambda: translated((0, 1)),
    "states_of_both_directions_joined": lambda: translated_from_both(((0, 2), (1, 3))),
}
