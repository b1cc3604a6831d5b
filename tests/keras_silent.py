"""Keras models that run and compute something else than was meant, and some that look like them and are right."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from keras_wrong import floats, whole


class Called(keras.Model):
    """Layers by name, and a call that is handed in."""

    def __init__(self, function, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.function = function

    def call(self, *inputs):
        return self.function(self, *inputs)


LENGTHS = np.array([9, 4, 7, 2, 9], "int32")


# -- softmax ----------------------------------------------------------------------------------------------------


class PlacesWeighed(layers.Layer):
    """One score for every place of a picture; their softmax along an axis that is handed in."""

    def __init__(self, along, **more):
        super().__init__(**more)
        self.along, self.score = along, layers.Conv2D(1, 1)

    def call(self, x):
        scores = ops.reshape(self.score(x), (-1, x.shape[1] * x.shape[2], 1))
        weights = ops.softmax(scores, axis=self.along)
        return ops.sum(weights * ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3])), axis=1)


def places_weighed(along):
    picture = keras.Input((8, 8, 3))
    features = layers.Conv2D(12, 3, name="features")(picture)
    return keras.Model(picture, layers.Dense(4)(PlacesWeighed(along, name="weighed")(features))), floats(4, 8, 8, 3)


def weights_of_one_place():
    return places_weighed(-1)


def weights_of_all_places():
    return places_weighed(1)


def softmax_layer_on_one_score():
    steps = keras.Input((None, 6))
    scores = layers.Softmax(name="weights")(layers.Dense(1, name="score")(steps))
    return keras.Model(steps, layers.Dense(2)(layers.Dot((1, 1))([scores, steps]))), floats(5, 9, 6)


def softmax_layer_along_steps():
    steps = keras.Input((None, 6))
    scores = layers.Softmax(axis=1)(layers.Dense(1)(steps))
    return keras.Model(steps, layers.Dense(2)(layers.Dot((1, 1))([scores, steps]))), floats(5, 9, 6)


def gains_of(over):
    steps = keras.Input((4, 6))
    x = layers.Dense(5)(layers.Flatten()(steps))
    return keras.Model(steps, layers.Lambda(lambda a: a - ops.mean(a, axis=over, keepdims=True))(x)), floats(8, 4, 6)


def gains_against_the_batch():
    return gains_of(None)


def gains_against_the_own_sample():
    return gains_of(1)


class Divided(layers.Layer):
    def __init__(self, along, **more):
        super().__init__(**more)
        self.along = along

    def call(self, scores):
        positive = ops.exp(scores)
        return positive / ops.sum(positive, axis=self.along, keepdims=True)


def weighed_by_hand(along):
    steps = keras.Input((12, 6))
    weights = Divided(along, name="weights")(layers.Dense(1)(steps))
    return keras.Model(steps, layers.Dot(axes=1)([weights, steps])), floats(4, 12, 6)


def softmax_by_hand_of_one_score():
    return weighed_by_hand(-1)


def softmax_by_hand_along_steps():
    return weighed_by_hand(1)


def one_unit_with_softmax():
    model = [keras.Input((None, 4)), layers.GRU(7), layers.Dense(1, activation="softmax", name="rises")]
    return keras.Sequential(model), floats(5, 9, 4)


def activation_layer_on_one_unit():
    model = [keras.Input((8,)), layers.Dense(1), layers.Activation("softmax", name="probability")]
    return keras.Sequential(model), floats(6, 8)


def one_unit_with_sigmoid():
    model = [keras.Input((None, 4)), layers.GRU(7), layers.Dense(1, activation="sigmoid")]
    return keras.Sequential(model), floats(5, 9, 4)


class StepsWeighed(keras.Model):
    def __init__(self, along):
        super().__init__()
        self.along, self.score, self.head = along, layers.Dense(1), layers.Dense(3)

    def call(self, x):
        weights = tf.nn.softmax(self.score(x)[..., 0], self.along)
        return self.head(tf.einsum("bt,btf->bf", weights, x))


class SamplesWeighed(StepsWeighed):
    def call(self, x):
        weights = tf.nn.softmax(self.score(x)[..., 0], 0)
        return self.head(tf.einsum("bt,btf->bf", weights, x))


def attention_over_samples():
    return SamplesWeighed(0), floats(5, 9, 4)


def attention_over_steps():
    return StepsWeighed(1), floats(5, 9, 4)


# -- positions --------------------------------------------------------------------------------------------------


class StepRead(keras.Model):
    def __init__(self):
        super().__init__()
        self.read, self.head = layers.LSTM(6, return_sequences=True), layers.Dense(3)

    def call(self, x, lengths):
        return self.head(ops.take(self.read(x), lengths - 1, axis=1)[:, 0])


def positions_of_all_samples():
    return StepRead(), (floats(5, 9, 4), LENGTHS)


def mean_of_all_positions():
    def call(self, x, lengths):
        picked = tf.gather(self.read(x), lengths - 1, axis=1)
        return self.head(tf.reduce_mean(picked, axis=1))

    return Called(call, read=layers.LSTM(6, return_sequences=True), head=layers.Dense(3)), (floats(5, 9, 4), LENGTHS)


def position_of_each_sample():
    def call(self, x, lengths):
        return self.head(tf.gather(self.read(x), lengths - 1, axis=1, batch_dims=1))

    return Called(call, read=layers.LSTM(6, return_sequences=True), head=layers.Dense(3)), (floats(5, 9, 4), LENGTHS)


def rows_of_a_table():
    table = keras.random.normal((20, 6), seed=1)

    def call(self, x, kinds):
        return self.head(x + ops.take(table, kinds, axis=0))

    return Called(call, head=layers.Dense(3)), (floats(5, 6), whole(20, 5))


def columns_of_the_own_sample():
    def call(self, x, places):
        return self.head(ops.take_along_axis(x, places[:, None], axis=1))

    return Called(call, head=layers.Dense(3)), (floats(5, 6), whole(6, 5))


# -- order of the axes ------------------------------------------------------------------------------------------


def columns_of_a_picture(rows_first, height=8, width=20):
    picture = keras.Input((height, width, 1))
    x = layers.Conv2D(6, 3, padding="same")(picture)
    if not rows_first:
        x = layers.Permute((2, 1, 3))(x)
    x = layers.Reshape((width, height * 6), name="columns")(x)
    return keras.Model(picture, layers.Dense(11)(layers.LSTM(9, return_sequences=True)(x))), floats(3, height, width, 1)


def rows_read_as_columns():
    return columns_of_a_picture(True)


def columns_read_as_columns():
    return columns_of_a_picture(False)


class Lead(keras.Model):
    """Twelve leads of 40 steps, read as 40 steps of 12 leads."""

    def __init__(self):
        super().__init__()
        self.read, self.head = layers.GRU(7), layers.Dense(3)

    def call(self, x):
        return self.head(self.read(ops.reshape(x, (-1, 40, 12))))


def leads_reshaped_to_steps():
    return Lead(), floats(5, 12, 40)


def places_in_a_row():
    picture = keras.Input((8, 8, 6))
    x = layers.Reshape((64, 6))(picture)
    return keras.Model(picture, layers.MultiHeadAttention(2, 3)(x, x)), floats(3, 8, 8, 6)


def code_unfolded():
    code = keras.Input((24,))
    x = layers.Reshape((4, 3, 2))(code)
    return keras.Model(code, layers.Conv2DTranspose(1, 2)(x)), floats(3, 24)


# -- the axis of the channels -----------------------------------------------------------------------------------


def picture_into_convolution(*shape, kernel=3, moved=False):
    picture = keras.Input(shape)
    x = layers.Permute((2, 3, 1))(picture) if moved else picture
    x = layers.Conv2D(6, kernel, padding="same", activation="relu", name="edges")(layers.Rescaling(1 / 255)(x))
    return keras.Model(picture, layers.Dense(4)(layers.Flatten()(x))), floats(3, *shape)


def picture_with_channels_first():
    return picture_into_convolution(3, 24, 24)


def picture_moved_to_channels_last():
    return picture_into_convolution(3, 24, 24, moved=True)


def picture_of_one_row():
    return picture_into_convolution(1, 40, 12, kernel=(1, 5))


def pooled(pool):
    steps = keras.Input((12, 10, 3) if type(pool).__name__.endswith("2D") else (12, 10))
    x = layers.Conv2D(7, 3)(steps) if len(steps.shape) == 4 else layers.Dense(7)(steps)
    x = layers.BatchNormalization()(x)
    x = layers.Flatten()(pool(layers.Activation("relu")(x)))
    return keras.Model(steps, layers.Dense(2)(x)), floats(4, *steps.shape[1:])


def rows_pooled_with_channels():
    return pooled(layers.GlobalMaxPooling2D(data_format="channels_first", name="pool"))


def features_pooled_instead_of_steps():
    return pooled(layers.GlobalAveragePooling1D(data_format="channels_first", name="pool"))


def halved_along_channels():
    return pooled(layers.MaxPooling2D(data_format="channels_first", name="pool"))


def rows_and_columns_pooled():
    return pooled(layers.GlobalMaxPooling2D(data_format="channels_last", name="pool"))


def features_turned_and_pooled():
    steps = keras.Input((12, 10))
    x = layers.Permute((2, 1))(layers.Dense(7)(steps))
    x = layers.GlobalAveragePooling1D(data_format="channels_first")(x)
    return keras.Model(steps, layers.Dense(2)(x)), floats(4, 12, 10)


def classes_of_pixels(softmax):
    picture = keras.Input((9, 11, 2))
    x = layers.Permute((3, 1, 2))(layers.Conv2D(5, 1)(picture))
    return keras.Model(picture, softmax(x)), floats(3, 9, 11, 2)


def softmax_over_columns():
    return classes_of_pixels(layers.Activation("softmax", name="classes"))


def softmax_layer_over_columns():
    return classes_of_pixels(layers.Softmax(name="classes"))


def softmax_over_classes():
    return classes_of_pixels(layers.Softmax(axis=1))


def softmax_before_the_turn():
    picture = keras.Input((9, 11, 2))
    x = layers.Conv2D(5, 1, activation="softmax")(picture)
    return keras.Model(picture, layers.Permute((3, 1, 2))(x)), floats(3, 9, 11, 2)


def weights_of_steps_turned():
    steps = keras.Input((9, 6))
    hops = layers.Softmax()(layers.Permute((2, 1))(layers.Dense(4)(steps)))
    return keras.Model(steps, layers.Dot(axes=(2, 1))([hops, steps])), floats(3, 9, 6)


def place_of_every_landmark():
    picture = keras.Input((9, 11, 2))
    maps = layers.Reshape((5, 99))(layers.Permute((3, 1, 2))(layers.Conv2D(5, 1)(picture)))
    return keras.Model(picture, layers.Softmax()(maps)), floats(3, 9, 11, 2)


def columns_as_many_as_channels(turned):
    picture = keras.Input((8, 20, 1))
    x = layers.Conv2D(20, 3, padding="same")(picture)
    x = layers.Permute((2, 1, 3))(x) if turned else x
    return keras.Model(picture, layers.GRU(4)(layers.Reshape((20, 160), name="strips")(x))), floats(3, 8, 20, 1)


def rows_cut_into_as_many_columns():
    return columns_as_many_as_channels(False)


def columns_turned_to_the_front():
    return columns_as_many_as_channels(True)


WRONG = {
    gains_against_the_batch: ("mean",),
    softmax_by_hand_of_one_score: ("sum",),
    rows_cut_into_as_many_columns: ("strips",),
    picture_with_channels_first: ("edges",),
    rows_pooled_with_channels: ("pool",),
    features_pooled_instead_of_steps: ("pool",),
    halved_along_channels: ("pool",),
    softmax_over_columns: ("classes",),
    softmax_layer_over_columns: ("classes",),
    rows_read_as_columns: ("columns",),
    leads_reshaped_to_steps: ("reshape",),
    weights_of_one_place: ("softmax",),
    softmax_layer_on_one_score: ("weights",),
    one_unit_with_softmax: ("rises",),
    activation_layer_on_one_unit: ("probability",),
    attention_over_samples: ("softmax",),
    positions_of_all_samples: ("gather", "take"),
    mean_of_all_positions: ("gather",),
}
"""Every program with the names that the first finding may give."""

RIGHT = (
    gains_against_the_own_sample,
    softmax_by_hand_along_steps,
    columns_turned_to_the_front,
    picture_moved_to_channels_last,
    picture_of_one_row,
    rows_and_columns_pooled,
    features_turned_and_pooled,
    softmax_over_classes,
    softmax_before_the_turn,
    weights_of_steps_turned,
    place_of_every_landmark,
    columns_read_as_columns,
    places_in_a_row,
    code_unfolded,
    weights_of_all_places,
    softmax_layer_along_steps,
    one_unit_with_sigmoid,
    attention_over_steps,
    position_of_each_sample,
    rows_of_a_table,
    columns_of_the_own_sample,
)
