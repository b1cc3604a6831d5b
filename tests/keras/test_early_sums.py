"""Values that are added up over the samples before each of them meets its target."""

import keras
import pytest
import tensorflow as tf
from keras import layers
from keras_wrong import floats

import shapewidget
from shapewidget.diagnosis.findings import Severity

CHOSEN, TARGETS = tf.one_hot([0, 1, 2, 0, 1, 2, 0, 1], 3), tf.constant(floats(8))


def squares(values):
    return tf.reduce_mean(tf.square(TARGETS - values))


def taken_of_all(scores):
    return squares(tf.reduce_sum(scores * CHOSEN))


def taken_of_each(scores):
    return squares(tf.reduce_sum(scores * CHOSEN, axis=1))


def mean_of_all(scores):
    return squares(tf.reduce_mean(scores))


def alarms(loss):
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3)])
    with shapewidget.capture() as report:
        loss(model(floats(8, 6)))
    return [each for each in report.findings if each.severity is not Severity.NOTE]


def test_sum_of_all_samples_against_a_target_of_each_is_told_with_a_fix_that_was_run():
    first = alarms(taken_of_all)[0]
    assert (first.code, first.layer, first.verified) == ("SW653", "sum", True)
    assert "+    return squares(tf.reduce_sum(scores * CHOSEN, axis=-1))" in first.patch


@pytest.mark.parametrize("loss", [taken_of_each, mean_of_all], ids=lambda loss: loss.__name__)
def test_what_is_no_sum_of_all_samples_is_left_alone(loss):
    assert not alarms(loss)
