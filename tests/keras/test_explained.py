"""`shapewidget.explain`: errors of Keras and TensorFlow, from the exception alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras_fingerprint import fingerprint

import shapewidget


def floats(*shape):
    return np.zeros(shape, "float32")


class Forked(keras.Model):
    def __init__(self):
        super().__init__()
        self.left, self.right = layers.Dense(4), layers.Dense(5)

    def call(self, x):
        return self.left(x) + self.right(x)


def sequential_is_built():
    keras.Sequential([keras.Input((9, 4)), layers.LSTM(5, name="first"), layers.LSTM(6), layers.Dense(2)])


def branches_are_added():
    x = keras.Input((8,))
    layers.Add(name="join")([x, layers.Dense(4)(x)])


def operator_is_used():
    x = keras.Input((8,))
    return x + layers.Dense(4)(x)


def model_is_called():
    keras.Sequential([keras.Input((8,)), layers.Dense(3, name="head")])(floats(4, 9))


def own_model_is_called():
    Forked()(floats(3, 2))


def model_is_trained():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy")
    model.fit(floats(40, 8), np.zeros(40, "int32"), verbose=0)


def model_is_trained_on_a_dataset():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(3)])
    model.compile("sgd", "mse")
    model.fit(tf.data.Dataset.from_tensor_slices((floats(40, 8), floats(40, 2))).batch(8), verbose=0, shuffle=False)


def loss_is_called():
    keras.losses.CategoricalCrossentropy()(np.zeros(4, "int32"), np.ones((4, 3), "float32"))


def line_of_tensorflow():
    scores, table = tf.ones((3, 4)), tf.ones((5, 4))
    return tf.matmul(scores, table)


RAISED = {
    sequential_is_built: ("SW112", "first", True),
    branches_are_added: ("SW201", "join", True),
    operator_is_used: ("SW201", "add", True),
    model_is_called: ("SW101", "head", False),
    own_model_is_called: ("SW201", "add", True),
    model_is_trained: ("SW301", "categorical_crossentropy", True),
    model_is_trained_on_a_dataset: ("SW301", "mean_squared_error", False),
    loss_is_called: ("SW301", "CategoricalCrossentropy", True),
    line_of_tensorflow: ("SW203", "matmul", True),
}


def raised(program):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        program()
    return caught.value


@pytest.mark.parametrize("program", RAISED, ids=lambda program: program.__name__)
def test_error_alone_names_the_layer_and_a_fix_that_was_run(program):
    report = shapewidget.explain(raised(program))
    first = report.findings[0]
    assert (first.code, first.layer, first.verified) == RAISED[program]
    assert any("The exception: " in note for note in report.notes)


def test_error_of_another_kind_is_told_as_it_is():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(3)])
    first = shapewidget.explain(raised(lambda: model.compile(loss="no such loss") or model.fit(floats(4, 8)))).findings[
        0
    ]
    assert first.code == "SW901"


def test_explaining_leaves_the_model_as_it_was():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(3, name="head")])
    error = raised(lambda: model(floats(4, 9)))
    before = fingerprint(model)
    shapewidget.explain(error)
    assert fingerprint(model) == before


def test_the_line_is_the_one_that_raised_and_not_the_one_that_asks():
    with pytest.raises(ValueError, match="min_ndim=4") as raised:
        keras.Sequential([keras.Input((4,)), layers.Conv2D(2, 3)])
    report = shapewidget.explain(raised.value)
    assert report.findings[0].source.text.strip() == "keras.Sequential([keras.Input((4,)), layers.Conv2D(2, 3)])"


def test_layers_before_the_one_that_raised_have_no_line_of_the_asker():
    with pytest.raises(ValueError, match="incompatible shapes") as raised:
        branches_are_added()
    report = shapewidget.explain(raised.value)
    assert all(layer.source is None or "explain" not in layer.source.text for layer in report.graph.layers)
