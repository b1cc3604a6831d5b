"""Small Keras programs with one mistake each, and the same programs without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

DRAWN = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    return DRAWN.normal(size=shape).astype("float32")


def ids(below: int, *shape: int) -> np.ndarray:
    return DRAWN.integers(0, below, shape)


def chain(*steps: keras.layers.Layer) -> keras.Sequential:
    return keras.Sequential(list(steps))


class LogCosh(keras.losses.Loss):
    def __init__(self, aligned: bool) -> None:
        super().__init__(name="log_cosh")
        self.aligned = aligned

    def call(self, y_true, y_pred):
        difference = y_pred - (ops.reshape(y_true, ops.shape(y_pred)) if self.aligned else y_true)
        return ops.mean(ops.log(ops.cosh(difference)), axis=-1)


class Gated(keras.Model):
    """Two branches that are added: wrong where their widths differ."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.left, self.right = layers.Dense(6, name="left"), layers.Dense(width, name="right")

    def get_config(self):
        return {"width": self.width}

    def call(self, x):
        return self.left(x) + self.right(x)


@dataclass(frozen=True)
class Program:
    """`make(True)` is wrong, `make(False)` is right; each gives a model, its inputs, targets and loss."""

    make: Callable[[bool], tuple[Any, ...]]
    code: str
    layer: str
    sizes: tuple[str, ...]


def sparse() -> keras.losses.Loss:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def tagger(wrong):
    steps = [
        keras.Input((9,), dtype="int32"),
        layers.Embedding(20, 8),
        layers.GRU(5, return_sequences=not wrong, name="read"),
    ]
    return chain(*steps, layers.Dropout(0.1), layers.Dense(4, name="tags")), ids(20, 3, 9), ids(4, 3, 9), sparse()


def classifier(wrong):
    steps = [keras.Input((9, 3)), layers.LSTM(5, return_sequences=wrong, name="read"), layers.Dense(4)]
    return chain(*steps), floats(6, 9, 3), np.eye(4)[ids(4, 6)], keras.losses.CategoricalCrossentropy(from_logits=True)


def never_flattened(wrong):
    steps = [
        keras.Input((8, 8, 3)),
        layers.Conv2D(5, 3),
        *([] if wrong else [layers.Flatten()]),
        layers.Dense(4, name="scores"),
    ]
    return chain(*steps), floats(6, 8, 8, 3), ids(4, 6), sparse()


def one_hot_loss(wrong):
    loss = keras.losses.CategoricalCrossentropy if wrong else keras.losses.SparseCategoricalCrossentropy
    return chain(keras.Input((7,)), layers.Dense(5, activation="softmax")), floats(6, 7), ids(5, 6, 1), loss()


def ids_loss(wrong):
    targets = np.eye(5)[ids(5, 6)] if wrong else ids(5, 6)
    return chain(keras.Input((7,)), layers.Dense(5)), floats(6, 7), targets, sparse()


def one_unit(wrong):
    loss = keras.losses.CategoricalCrossentropy() if wrong else keras.losses.BinaryCrossentropy()
    return (
        chain(keras.Input((7,)), layers.Dense(1, activation="sigmoid", name="spam")),
        floats(6, 7),
        floats(6, 1) > 0,
        loss,
    )


def spread(wrong):
    steps = [keras.Input((7,)), layers.Dense(5 if wrong else 1, name="price")]
    return chain(*steps), floats(6, 7), floats(6, 1), keras.losses.MeanSquaredError()


def broadcasting_loss(wrong):
    return chain(keras.Input((7,)), layers.Dense(1)), floats(6, 7), floats(6), LogCosh(not wrong)


def norm_axis(wrong):
    norm = layers.BatchNormalization(axis=1 if wrong else -1, name="norm")
    return chain(keras.Input((8, 9, 3)), layers.Conv2D(5, 3, padding="same"), norm), floats(2, 8, 9, 3)


def reshape_for_permute(wrong):
    swap = layers.Reshape((4, 6), name="swap") if wrong else layers.Permute((2, 1), name="swap")
    return chain(keras.Input((6, 4)), swap, layers.GRU(3)), floats(2, 6, 4)


def no_batch_axis(wrong):
    x = floats(5, 7)
    return chain(keras.Input((5, 7)), layers.Flatten(), layers.Dense(3, name="head")), x if wrong else x[None]


def added(wrong):
    return Gated(5 if wrong else 6), floats(3, 4)


PROGRAMS = {
    "return_sequences_forgotten": Program(tagger, "SW112", "read", ("9", "4")),
    "return_sequences_unwanted": Program(classifier, "SW112", "read", ("9", "4")),
    "never_flattened": Program(never_flattened, "SW113", "scores", ("6", "4")),
    "ids_for_one_hot_rows": Program(one_hot_loss, "SW301", "CategoricalCrossentropy", ("5", "1")),
    "one_hot_rows_for_ids": Program(ids_loss, "SW301", "SparseCategoricalCrossentropy", ("6", "5")),
    "one_class": Program(one_unit, "SW304", "spam", ("2", "1")),
    "one_target_for_many_outputs": Program(spread, "SW305", "MeanSquaredError", ("5", "1")),
    "loss_of_every_pair": Program(broadcasting_loss, "SW302", "sub", ("6", "1")),
    "norm_of_rows": Program(norm_axis, "SW613", "norm", ("8", "5")),
    "reshape_swaps_axes": Program(reshape_for_permute, "SW601", "swap", ("6", "4")),
    "batch_axis_missing": Program(no_batch_axis, "SW114", "inputs", ("(None, 5, 7)", "(5, 7)")),
    "branches_of_other_widths": Program(added, "SW201", "add", ("6", "5")),
}


def built_conv(wrong):
    x = keras.Input((30,) if wrong else (30, 1))
    return layers.Conv1D(4, 3, name="slide")(x)


def built_rnn(wrong):
    x = layers.LSTM(4, return_sequences=not wrong, name="below")(keras.Input((7, 3)))
    return layers.LSTM(5, name="above")(layers.Dropout(0.2)(x))


def built_skip(wrong):
    x = keras.Input((12, 8))
    half = layers.Conv1D(8, 3, padding="valid" if wrong else "same")(x)
    return layers.Concatenate(name="skip")([half, x])


def built_sum(wrong):
    x = keras.Input((12,))
    return layers.Add(name="sum")([layers.Dense(7 if wrong else 8)(x), layers.Dense(8)(x)])


def built_reshape(wrong):
    return layers.Reshape((4, 6) if wrong else (4, 5), name="rows")(keras.Input((20,)))


def built_flat(wrong):
    x = keras.Input((None, None, 3))
    flat = layers.Flatten(name="flat") if wrong else layers.GlobalAveragePooling2D()
    return layers.Dense(2, name="head")(flat(x))


def built_small(wrong):
    return layers.Conv2D(4, 5, name="wide")(keras.Input((3, 3, 1) if wrong else (8, 8, 1)))


def built_operator(wrong):
    return keras.Input((6,)) + keras.Input((5,) if wrong else (6,))


BUILT = {
    "channels_missing": Program(built_conv, "SW110", "slide", ("3", "30")),
    "state_for_a_sequence": Program(built_rnn, "SW112", "below", ("3", "2")),
    "skip_of_other_length": Program(built_skip, "SW202", "skip", ("10", "12")),
    "sum_of_other_widths": Program(built_sum, "SW201", "sum", ("7", "8")),
    "reshape_to_more_values": Program(built_reshape, "SW204", "rows", ("20", "24")),
    "flatten_of_unknown_size": Program(built_flat, "SW115", "head", ()),
    "window_too_wide": Program(built_small, "SW117", "wide", ("5", "3")),
    "operator": Program(built_operator, "SW201", "add", ("6", "5")),
}
