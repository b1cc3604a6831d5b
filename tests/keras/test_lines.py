"""Layers of a model without code of the user's carry the line that called them, if seen, and never our own call's."""

import keras
import numpy as np
from keras import layers

import shapewidget


def lines(model, width):
    report = shapewidget.probe(model, np.zeros((3, width), "float32"))
    return {each.type: each.source and each.source.text for each in report.graph.layers if each.type != "input"}


def test_layers_of_a_functional_model_have_no_line_of_ours():
    inputs = keras.Input((13,))
    found = lines(keras.Model(inputs, layers.Dense(3)(inputs)), 13)
    assert found["Dense"] is None


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
