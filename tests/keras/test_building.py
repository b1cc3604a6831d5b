"""Building goes on past a layer that refuses its tensors, until the model is put to use."""

import keras
import numpy as np
import pytest
from keras import layers

import shapewidget


def two_branches():
    steps, image = keras.Input((30, 4)), keras.Input((None, None, 3))
    x = layers.LSTM(8, name="below")(steps)
    x = layers.LSTM(5, name="above")(layers.Dropout(0.1)(x))
    y = layers.Flatten(name="flat")(layers.Conv2D(8, 3)(image))
    y = layers.Dense(6, name="project")(y)
    return keras.Model([steps, image], layers.Dense(2)(layers.Add(name="sum")([x, y])))


def test_all_mismatches_of_a_model_are_told_and_proven_in_one_run():
    with shapewidget.capture(reraise=False) as report:
        two_branches()
    assert [(each.code, each.layer) for each in report.findings] == [
        ("SW112", "below"),
        ("SW115", "project"),
        ("SW201", "sum"),
    ]
    assert all(each.verified for each in report.findings)
    assert report.graph.layers[-1].type == "Dense"
    assert report.stopped is None


def test_error_of_building_is_raised_at_the_end_of_the_block():
    reached = []
    with pytest.raises(ValueError, match="expected ndim=3"), shapewidget.capture():
        reached.append(two_branches())
    assert isinstance(reached[0], keras.Model)


@pytest.mark.parametrize("use", ["fit", "predict", "call", "save"])
def test_error_of_building_is_raised_before_the_model_is_used(use, tmp_path):
    x, reached = np.ones((4, 20), "float32"), []
    uses = {
        "fit": lambda model: model.fit(x, x, verbose=0),
        "predict": lambda model: model.predict(x, verbose=0),
        "call": lambda model: model(x),
        "save": lambda model: model.save(tmp_path / "model.keras"),
    }

    def work():
        model = keras.Sequential([keras.Input((20,)), layers.Conv1D(4, 3), layers.GlobalMaxPooling1D()])
        model.compile("sgd", "mse")
        reached.append("compiled")
        uses[use](model)
        reached.append("used")

    with pytest.raises(ValueError, match="min_ndim=3"), shapewidget.capture():
        work()
    assert reached == ["compiled"]
    assert not list(tmp_path.iterdir())


def test_layers_that_are_added_one_by_one_are_told_once():
    def build():
        model = keras.Sequential()
        model.add(keras.Input((20,)))
        model.add(layers.Conv1D(4, 3, name="slide"))
        model.add(layers.MaxPooling1D(2))
        model.add(layers.Dense(1))

    with shapewidget.capture(reraise=False) as report:
        build()
    assert [(each.code, each.layer, each.verified) for each in report.findings] == [("SW110", "slide", True)]


def test_error_that_is_no_shape_ends_building():
    def work():
        layers.Dense(3)(keras.Input((4,)))
        raise RuntimeError("no data")

    with pytest.raises(RuntimeError, match="no data"), shapewidget.capture() as report:
        work()
    assert report.graph.layers


def of_an_input_layer():
    picture = layers.InputLayer((28, 28), name="picture").output
    return keras.Model(picture, layers.Conv2D(4, 3)(picture))


def test_input_whose_line_was_not_seen_is_told_as_the_line_that_makes_it():
    with pytest.raises(ValueError, match="expected min_ndim=4"), shapewidget.capture() as report:
        of_an_input_layer()
    assert report.findings[0].fix == "keras.Input(shape=(28, 28, 1), name='picture')"
    assert report.findings[0].verified
