"""Layers of a model that holds no code of the user's carry the line that called or made them, never our own call's."""

import keras
import numpy as np
from keras import layers

import shapewidget


def lines(model, width):
    report = shapewidget.probe(model, np.zeros((3, width), "float32"))
    return {each.type: each.source and each.source.text for each in report.graph.layers if each.type != "input"}


class MadeOnce(layers.Dense):
    """A class that no other test makes layers of."""


class MadeTwice(layers.Dense):
    """Another one."""


def test_layers_of_a_functional_model_have_the_line_that_made_them():
    inputs = keras.Input((13,))
    outputs = MadeOnce(17, activation="gelu")(inputs)
    found = lines(keras.Model(inputs, outputs), 13)
    assert found["MadeOnce"] == 'outputs = MadeOnce(17, activation="gelu")(inputs)'


def test_layers_that_several_lines_could_have_made_have_none():
    inputs = keras.Input((13,))
    first = MadeTwice(5)(inputs)
    second = MadeTwice(5)(first)
    assert lines(keras.Model(inputs, second), 13)["MadeTwice"] is None


def test_layers_that_were_seen_being_called_have_the_line_of_the_call():
    makes = [layers.Softmax(axis=-1), layers.LeakyReLU(0.5)]
    with shapewidget.capture():
        inputs = keras.Input((13,))
        hidden = makes[0](inputs)
        outputs = makes[1](hidden)
    found = lines(keras.Model(inputs, outputs), 13)
    assert found["Softmax"] == "hidden = makes[0](inputs)"
    assert found["LeakyReLU"] == "outputs = makes[1](hidden)"


def test_layers_called_by_the_models_own_code_have_the_line_of_the_call():
    class Head(keras.Model):
        def __init__(self):
            super().__init__()
            self.head = layers.Dense(3)

        def call(self, inputs):
            return self.head(inputs)

    model = Head()
    model(np.zeros((1, 5), "float32"))
    assert lines(model, 5)["Dense"] == "return self.head(inputs)"
