"""One mistake is one finding, whichever way Keras runs the code: symbolically, eagerly, in both ways, in a `fit`."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import shapewidget

X = np.random.default_rng(0).normal(size=(8, 6)).astype("float32")
FILTERED = pytest.mark.parametrize("filtered", [True, False], ids=["tracebacks filtered", "tracebacks whole"])


@pytest.fixture
def tracebacks(filtered):
    was = keras.config.is_traceback_filtering_enabled()
    (keras.config.enable_traceback_filtering if filtered else keras.config.disable_traceback_filtering)()
    yield
    (keras.config.enable_traceback_filtering if was else keras.config.disable_traceback_filtering)()


def told(report):
    return [(each.code, each.source.expression) for each in report.findings]


class Added(keras.Model):
    def __init__(self):
        super().__init__()
        self.wide, self.narrow = layers.Dense(5), layers.Dense(4)

    def call(self, x):
        return self.wide(x) + self.narrow(x)


class SoftmaxOverSamples(keras.Model):
    def __init__(self):
        super().__init__()
        self.head, self.calls = layers.Dense(3), 0

    def call(self, x):
        self.calls += 1
        return ops.softmax(self.head(x), axis=0)


@FILTERED
def test_sum_of_symbolic_tensors_is_told_at_its_own_line(tracebacks):
    inputs = keras.Input((6,))
    wide, narrow = layers.Dense(5)(inputs), layers.Dense(4)(inputs)
    with shapewidget.capture(reraise=False) as report:
        wide + narrow
    assert told(report) == [("SW201", "wide + narrow")]


@FILTERED
def test_sum_in_a_subclass_is_told_once_by_a_probe_and_by_a_fit(tracebacks):
    assert told(shapewidget.probe(Added(), X)) == [("SW201", "self.wide(x) + self.narrow(x)")]
    model = Added()
    model.compile("sgd", "mse")
    with shapewidget.capture(reraise=False) as report:
        model.fit(X, np.zeros((8, 5), "float32"), verbose=0)
    assert told(report) == [("SW201", "self.wide(x) + self.narrow(x)")]


@pytest.mark.parametrize("is_built", [False, True])
def test_what_raises_nothing_is_told_once_though_the_call_runs_several_times(is_built):
    model = SoftmaxOverSamples()
    if is_built:
        model(X)
    calls = model.calls
    assert told(shapewidget.probe(model, X)) == [("SW603", "ops.softmax(self.head(x), axis=0)")]
    assert (model.calls, model.built) == (calls, is_built)
