"""Fixes that change the user's own call of `fit` or of a loss, and the `compile` that a loss is named in."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import shapewidget

LABELS = np.array([1, 2, 3, 4] * 4)
ROWS = np.zeros((16, 6), "float32")


def classifier():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, name="digit")])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def fitted():
    classifier().fit(ROWS, LABELS, verbose=0)


def fitted_by_keyword():
    classifier().fit(x=ROWS, y=LABELS if len(LABELS) else None, verbose=0)


def validated():
    classifier().fit(ROWS, LABELS, validation_data=(ROWS, LABELS), verbose=0)


def fitted_on_a_dataset():
    data = tf.data.Dataset.from_tensor_slices((ROWS, LABELS)).batch(8)
    classifier().fit(data, verbose=0, shuffle=False)


def compared():
    keras.losses.SparseCategoricalCrossentropy(from_logits=True)(LABELS, classifier()(ROWS))


EDITED = {
    fitted: "fit(ROWS, LABELS - 1, verbose=0)",
    fitted_by_keyword: "fit(x=ROWS, y=(LABELS if len(LABELS) else None) - 1, verbose=0)",
    validated: "fit(ROWS, LABELS - 1, validation_data=(ROWS, LABELS - 1), verbose=0)",
    fitted_on_a_dataset: "fit(data.map(lambda x, y: (x, y - 1)), verbose=0, shuffle=False)",
    compared: "(LABELS - 1, classifier()(ROWS))",
}


@pytest.mark.parametrize("program", EDITED, ids=lambda program: program.__name__)
def test_labels_counted_from_one_are_changed_in_the_users_own_call(program):
    with shapewidget.capture(reraise=False) as report:
        program()
    assert report.findings[0].verified
    assert report.findings[0].patch.splitlines()[-1].endswith(EDITED[program])


def test_error_of_a_loss_alone_changes_the_call_of_it():
    with pytest.raises(Exception) as caught:  # noqa: PT011
        compared()
    assert EDITED[compared] in shapewidget.explain(caught.value).findings[0].patch


def one_of_two():
    first = keras.Sequential([keras.Input((8,)), layers.Dense(3, activation="softmax")])
    other = keras.Sequential([keras.Input((8,)), layers.Dense(5, activation="softmax")])
    first.compile("sgd", "categorical_crossentropy")
    other.compile("adam", "categorical_crossentropy")
    other.fit(np.zeros((12, 8), "float32"), np.zeros(12, "int32"), verbose=0)


def the_only_one():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(7, activation="softmax")])
    model.compile("rmsprop", "categorical_crossentropy")
    model.fit(np.zeros((12, 8), "float32"), np.zeros(12, "int32"), verbose=0)


def test_loss_is_named_otherwise_where_the_model_that_holds_it_was_compiled():
    with shapewidget.capture(reraise=False) as report:
        one_of_two()
    assert "+    other.compile(\"adam\", 'sparse_categorical_crossentropy')" in report.findings[0].patch


def test_error_alone_changes_the_compile_beside_the_layers_of_its_model():
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        the_only_one()
    assert "+    model.compile(\"rmsprop\", 'sparse_categorical_crossentropy')" in (
        shapewidget.explain(caught.value).findings[0].patch
    )
