"""A probe batch for a Keras model that nobody gave one for."""

import keras
import pytest
from keras import layers, ops

import shapewidget
from shapewidget.errors import ProbeInputError


class Classifier(keras.Model):
    def __init__(self, *steps):
        super().__init__()
        self.steps = list(steps)

    def call(self, x):
        for step in self.steps:
            x = step(x)
        return x


class Pair(keras.Model):
    def __init__(self):
        super().__init__()
        self.head = layers.Dense(3)

    def call(self, left, right):
        return self.head(ops.concatenate([left, right], -1))


class Nothing(keras.Model):
    def call(self, x):
        return x


@pytest.mark.parametrize(
    ("steps", "shape"),
    [
        ([layers.Embedding(20, 6), layers.GRU(5), layers.Dense(2)], (4, 12)),
        ([layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)], (4, 32, 32, 3)),
        ([layers.Bidirectional(layers.LSTM(5)), layers.Dense(2)], (4, 12, 8)),
        ([layers.Dense(4), layers.Dense(2)], (4, 8)),
    ],
)
def test_model_that_was_never_called_gets_what_its_layers_take(steps, shape):
    report = shapewidget.probe(Classifier(*steps))
    assert report.ok
    assert report.graph.by_id["x"].outputs[0].shape == shape
    assert report.notes == (f"No inputs were given: {shape} was made, such as its layers take.",)
    assert not steps[-1].built


def test_every_input_of_a_call_gets_a_batch():
    graph = shapewidget.probe(Pair()).graph
    assert [str(layer.outputs[0]) for layer in graph.layers if layer.kind == "input"] == ["(B, 8)", "(B, 8)"]


def test_broken_model_is_probed_with_the_first_guess():
    report = shapewidget.probe(Classifier(layers.Embedding(20, 6), layers.GRU(5), layers.GRU(5), layers.Dense(2)))
    assert [finding.code for finding in report.findings] == ["SW112"]


def test_model_whose_layers_tell_nothing_asks_for_a_batch():
    with pytest.raises(ProbeInputError, match=r"Nothing was not built .* Give one batch of your data: inputs=x"):
        shapewidget.probe(Nothing())
