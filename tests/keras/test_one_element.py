"""All samples in one element of a data set, and elements that are one sample."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import shapewidget

X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
Y = X[:, :1]


def told(dataset, model=None):
    loss = keras.losses.MeanSquaredError() if model is not None else None
    report = shapewidget.check_loader(dataset, model=model, loss=loss)
    return [each for each in report.findings if each.severity != "note"]


def dense():
    return keras.Sequential([keras.Input((4,)), layers.Dense(1)])


def reader():
    return keras.Sequential([keras.Input((None, 4)), layers.GRU(3, return_sequences=True), layers.Dense(1)])


@pytest.mark.parametrize(("model", "verified"), [(None, False), (dense(), True)])
def test_one_element_of_all_samples_is_told_with_slices(model, verified):
    (found,) = told(tf.data.Dataset.from_tensors((X, Y)).shuffle(60).batch(20), model)
    assert (found.code, found.expected, found.got, found.verified) == ("SW749", 20, 1, verified)
    assert "all 60 samples" in found.reason
    assert "1 step in the place of 3" in found.reason


def test_one_element_is_told_of_what_a_model_was_fitted_with():
    model = keras.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    with shapewidget.capture() as report:
        model.fit(tf.data.Dataset.from_tensors((X, Y)).batch(20), shuffle=False, verbose=0)
    assert [each.code for each in report.findings] == ["SW749"]


@pytest.mark.parametrize(
    "dataset",
    [
        tf.data.Dataset.from_tensors((X, Y)),
        tf.data.Dataset.from_tensors((X, Y)).batch(1),
        tf.data.Dataset.from_tensors((X, Y)).repeat(8).batch(4),
        tf.data.Dataset.from_tensors((X, Y)).unbatch().batch(20),
    ],
)
def test_elements_that_are_meant_as_they_are_are_right(dataset):
    assert "SW749" not in [each.code for each in told(dataset)]


def test_one_sequence_that_the_model_reads_step_by_step_is_right():
    assert "SW749" not in [each.code for each in told(tf.data.Dataset.from_tensors((X, Y)).batch(20), reader())]
