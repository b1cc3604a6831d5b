"""Fixes of Keras programs are edits of the user's own source, and were run."""

import keras
import numpy as np
import pytest
from keras import layers
from keras_programs import BUILT, PROGRAMS

import shapewidget

UNPROVEN = ("loss_of_every_pair",)
INPUTS_ONLY = ("operator",)


def first_finding(program):
    model, inputs, *rest = program.make(True)
    targets, loss = rest or (None, None)
    return shapewidget.probe(model, inputs, targets=targets, loss=loss).findings[0]


def captured(run):
    with shapewidget.capture(reraise=False) as report:
        run()
    return report.findings[0]


def added_lines(found):
    return [line[1:].strip() for line in found.patch.splitlines() if line.startswith("+") and line[:3] != "+++"]


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in UNPROVEN])
def test_fix_of_a_model_was_run(name):
    assert first_finding(PROGRAMS[name]).verified


@pytest.mark.parametrize("name", [name for name in BUILT if name not in INPUTS_ONLY])
def test_fix_of_what_is_being_built_was_run_and_edits_the_line_that_makes_the_layer(name):
    found = captured(lambda: BUILT[name].make(True))
    assert found.verified
    assert found.source.filename.endswith("keras_programs.py")
    assert added_lines(found)


def test_layer_is_put_into_the_list_of_a_sequential_model():
    steps = [keras.Input((8, 8, 3)), layers.Conv2D(5, 3), layers.Dense(4, name="never_flattened_verdict")]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = np.ones((6, 8, 8, 3), "float32"), np.zeros(6, "int32")
    found = shapewidget.probe(keras.Sequential(steps), x, targets=y, loss=loss).findings[0]
    assert found.verified
    assert 'layers.Flatten(), layers.Dense(4, name="never_flattened_verdict")]' in added_lines(found)[0]


def test_layer_is_put_around_the_tensor_that_another_is_called_with():
    def build():
        clip = keras.Input((4, 8, 8, 3))
        return layers.GRU(5)(clip)

    found = captured(build)
    assert found.verified
    assert added_lines(found) == ["return layers.GRU(5)(layers.Reshape(target_shape=(4, 192))(clip))"]


def test_layer_is_added_before_another_that_is_added():
    def build():
        model = keras.Sequential([keras.Input((8,)), layers.Dense(6)])
        model.add(layers.Conv1D(2, 3))

    found = captured(build)
    assert found.verified
    assert added_lines(found) == ["model.add(layers.Reshape(target_shape=(6, 1)))"]


def test_loss_is_renamed_where_compile_names_it():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax")])

    def train():
        model.compile("sgd", loss="categorical_crossentropy")
        model.fit(np.ones((8, 4)), np.zeros((8,), "int32"), verbose=0)

    found = captured(train)
    assert found.verified
    assert added_lines(found) == ["model.compile(\"sgd\", loss='sparse_categorical_crossentropy')"]


def test_layers_that_one_line_makes_are_changed_together():
    def build():
        x = keras.Input((9, 3))
        for _ in range(3):
            x = layers.LSTM(4)(x)
        return x

    found = captured(build)
    assert found.verified
    assert added_lines(found) == ["x = layers.LSTM(4, return_sequences=True)(x)"]


def test_trained_weights_are_as_before_once_a_fix_was_tried():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", loss=keras.losses.CategoricalCrossentropy())
    before = [weight.numpy().tobytes() for weight in model.weights]
    assert captured(lambda: model.fit(np.ones((8, 4)), np.zeros((8,), "int32"), verbose=0)).verified
    assert [weight.numpy().tobytes() for weight in model.weights] == before
