"""A gradient penalty holds the length of the gradient of each sample near a number, over all axes of the sample."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import shapewidget


def penalty(lengths, shape):
    critic = keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(1)])
    x = tf.constant(np.random.default_rng(0).normal(size=(6, *shape)).astype("float32"))
    with shapewidget.capture() as report:
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = critic(x)
        found = lengths(tape.gradient(score, x))
        tf.reduce_mean(tf.square(found - 1.0))
    return [each for each in report.findings if each.code == "SW643"]


def by_column(g):
    return tf.sqrt(tf.reduce_sum(tf.square(g), axis=1) + 1e-8)


def by_step(g):
    return tf.norm(g, axis=-1)


def of_the_batch(g):
    return tf.sqrt(tf.reduce_sum(g**2))


def by_sample(g):
    return tf.sqrt(tf.reduce_sum(tf.square(g), axis=list(range(1, len(g.shape)))))


def by_row_of_a_matrix(g):
    return tf.norm(tf.reshape(g, (tf.shape(g)[0], -1)), axis=1)


@pytest.mark.parametrize(
    ("lengths", "shape", "count"), [(by_column, (8, 9, 1), 6 * 9), (by_step, (7, 4), 6 * 7), (of_the_batch, (5,), 1)]
)
def test_length_over_other_axes_than_those_of_a_sample_is_found(lengths, shape, count):
    (found,) = penalty(lengths, shape)
    assert (found.expected, math.prod(found.got)) == ((6,), count)
    assert str(list(range(1, len(shape) + 1))) in found.fix


@pytest.mark.parametrize(
    ("lengths", "shape"), [(by_sample, (8, 9, 1)), (by_row_of_a_matrix, (7, 4)), (by_column, (5,))]
)
def test_length_over_all_axes_of_a_sample_is_right(lengths, shape):
    assert not penalty(lengths, shape)


def test_map_of_what_a_model_looks_at_is_right():
    model = keras.Sequential([keras.Input((8, 9, 3)), layers.Flatten(), layers.Dense(1)])
    x = tf.constant(np.ones((4, 8, 9, 3), "float32"))
    with shapewidget.capture() as report:
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = model(x)
        seen = tf.sqrt(tf.reduce_sum(tf.square(tape.gradient(score, x)), axis=-1))
        seen - tf.reduce_min(seen)
    assert not report.findings
