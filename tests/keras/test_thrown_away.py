"""Layers whose result takes a name that is given away before anything reads it."""

import keras
import numpy as np
import pytest
from keras import layers

import shapewidget


def gated(chained):
    picture = keras.Input((12, 12, 3))
    x = layers.Conv2D(8, 3, name="features")(picture)
    gate = layers.GlobalAveragePooling2D(name="squeeze")(x)
    gate = layers.Dense(8, activation="sigmoid", name="excite")(gate if chained else x)
    return keras.Model(picture, layers.GlobalMaxPooling2D()(layers.Multiply()([x, gate])))


def stacked(chained):
    rows = h = keras.Input((6,))
    for units in (8, 4):
        h = layers.Dense(units, name=f"units_{units}")(h if chained else rows)
    return keras.Model(rows, h)


def shape_read(_):
    picture = keras.Input((12, 12, 3))
    x = layers.MaxPooling2D()(picture)
    x = layers.Resizing(x.shape[1], x.shape[2])(picture)
    return keras.Model(picture, x)


def two_models(_):
    rows = keras.Input((6,))
    h = layers.Dense(8)(rows)
    keras.Model(rows, h)
    h = layers.Dense(4)(rows)
    return keras.Model(rows, h)


def told(build, *given):
    with shapewidget.capture(reraise=False) as report:
        build(*given)
    return [each for each in report.findings if each.code == "SW671"]


@pytest.mark.parametrize(("build", "reader"), [(gated, "excite"), (stacked, "units_4")])
def test_layer_that_reads_past_the_one_before_is_named(build, reader):
    (found,) = told(build, False)
    assert found.layer == reader
    assert "nothing reads it" in found.reason


@pytest.mark.parametrize("build", [gated, stacked, shape_read, two_models])
def test_layer_that_something_reads_is_left_alone(build):
    assert not told(build, True)


class Twice(keras.Model):
    def __init__(self):
        super().__init__()
        self.one, self.other, self.head = layers.Dense(8), layers.Dense(8), layers.Dense(2)

    def call(self, x):
        h = self.one(x)
        h = self.other(x)
        return self.head(h)


def test_call_of_a_model_is_mended():
    first = shapewidget.probe(Twice(), np.ones((4, 6), "float32")).findings[0]
    assert (first.code, first.layer, first.verified) == ("SW671", "other", True)
    assert "+        h = self.other(h)" in first.patch


def test_model_that_is_called_twice_by_the_program_is_left_alone():
    model = keras.Sequential([layers.Dense(3)])
    with shapewidget.capture() as report:
        y = model(np.ones((2, 4), "float32"))
        y = model(np.ones((2, 4), "float32"), training=True)
    assert y.shape == (2, 3)
    assert not report.findings
