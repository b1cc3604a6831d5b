"""Loops written with `tf.GradientTape` that pick, normalise or combine along the wrong axis, and right ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras_wrong import floats

import shapewidget
from shapewidget.diagnosis.findings import Severity

ACTIONS = np.arange(16) % 3
TAKEN = np.eye(3, dtype="float32")[ACTIONS]


def policy(units=3):
    return keras.Sequential([keras.Input((4,)), layers.Dense(24, activation="relu"), layers.Dense(units)])


def findings(loss, *models):
    """What is told of one step of a loop with that loss."""
    with shapewidget.capture() as report, tf.GradientTape() as tape:
        value = loss(*models)
    assert tape is not None
    assert value.shape == ()
    return [each for each in report.findings if each.severity is not Severity.NOTE]


def values_of_all_actions(model):
    chosen = tf.gather(model(floats(16, 4)), ACTIONS, axis=1)
    return tf.reduce_mean(tf.square(floats(16, 1) - chosen))


def values_of_own_actions(model):
    chosen = tf.gather(model(floats(16, 4)), ACTIONS, axis=1, batch_dims=1)
    return tf.reduce_mean(tf.square(floats(16) - chosen))


def values_of_some_columns(model):
    chosen = tf.gather(model(floats(4, 4)), [5, 1, 0, 2], axis=1)
    return tf.reduce_mean(tf.square(floats(4, 4) - chosen))


def likelihood_over_samples(model):
    return -tf.reduce_mean(tf.reduce_sum(tf.nn.log_softmax(model(floats(16, 4)), axis=0) * TAKEN, axis=1))


def likelihood_by_hand_over_samples(model):
    chances = tf.nn.softmax(model(floats(16, 4)), axis=0)
    return -tf.reduce_mean(tf.reduce_sum(TAKEN * tf.math.log(chances + 1e-9), axis=-1))


def likelihood_over_actions(model):
    return -tf.reduce_mean(tf.reduce_sum(tf.nn.log_softmax(model(floats(16, 4)), axis=-1) * TAKEN, axis=1))


def pairs_of_both_directions(model):
    """Every row against every column and the other way round, as two towers are trained."""
    scores, own = tf.matmul(model(floats(8, 4)), model(floats(8, 4)), transpose_b=True), tf.eye(8)
    rows = tf.reduce_sum(own * tf.nn.log_softmax(scores, axis=1), axis=1)
    columns = tf.reduce_sum(own * tf.nn.log_softmax(scores, axis=0), axis=1)
    return -tf.reduce_mean(rows) - tf.reduce_mean(columns)


def residual(model, picked):
    points = tf.constant(floats(20, 4))
    with tf.GradientTape() as inner:
        inner.watch(points)
        height = model(points)
    slope = inner.gradient(height, points)
    return tf.reduce_mean(tf.square(picked(slope) + height * slope[:, 1:2]))


def residual_of_pairs(model):
    return residual(model, lambda slope: slope[:, 0])


def residual_of_points(model):
    return residual(model, lambda slope: slope[:, 0:1])


def ranked_pairs(model):
    """Each score against all others, as the loss of a ranking takes them."""
    scores = model(floats(20, 4))
    return tf.reduce_mean(tf.nn.softplus(scores - tf.squeeze(scores, -1)))


def ranked_pairs_with_a_column(model):
    scores = model(floats(20, 4))[:, 0]
    return tf.reduce_mean(tf.nn.softplus(scores[:, None] - 2 * scores))


WRONG = {
    values_of_all_actions: (3, "SW641", "gather"),
    likelihood_over_samples: (3, "SW660", "log_softmax"),
    likelihood_by_hand_over_samples: (3, "SW660", "softmax"),
    residual_of_pairs: (1, "SW302", "add"),
}
RIGHT = {
    values_of_own_actions: 3,
    values_of_some_columns: 6,
    likelihood_over_actions: 3,
    pairs_of_both_directions: 3,
    residual_of_points: 1,
    ranked_pairs: 1,
    ranked_pairs_with_a_column: 1,
}


@pytest.mark.parametrize("loss", WRONG, ids=lambda loss: loss.__name__)
def test_wrong_axis_in_a_loop_is_told_at_its_cause(loss):
    units, code, layer = WRONG[loss]
    first = findings(loss, policy(units))[0]
    assert (first.code, first.layer) == (code, layer)


@pytest.mark.parametrize("loss", RIGHT, ids=lambda loss: loss.__name__)
def test_right_loop_raises_no_alarm(loss):
    assert not findings(loss, policy(RIGHT[loss]))
