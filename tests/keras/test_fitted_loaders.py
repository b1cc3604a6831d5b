"""Loaders that `fit` goes through while it is captured: what is wrong is told of the loader, not where it surfaces."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import shapewidget

pytestmark = pytest.mark.filterwarnings("ignore")
"""Keras warns of data that ends, and of shuffling what it cannot shuffle."""

X, Y = np.random.default_rng(0).normal(size=(60, 4)).astype("float32"), np.arange(60) % 3


def model():
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    made.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return made


def fitted(*data, **settings):
    with shapewidget.capture(reraise=False) as report:
        model().fit(*data, verbose=0, **settings)
    return [each for each in report.findings if each.severity != "note"]


def pairs(share):
    """Batches with labels for a part of the samples."""
    while True:
        places = np.arange(12)
        yield X[places], Y[: len(places) // 3] if share == 3 else Y[places]


def test_labels_that_a_generator_makes_too_few_of_are_its_fault_with_a_patch():
    (found,) = fitted(pairs(3), steps_per_epoch=2)
    assert (found.code, found.where, found.expected, found.got) == ("SW713", "loader", 12, 4)
    assert "`len(places) // 3` at test_fitted_loaders.py" in found.reason
    assert found.verified
    assert fitted(pairs(1), steps_per_epoch=2) == []


def test_arrays_of_two_lengths_are_told_of_fit_and_by_explain():
    (found,) = fitted(X, Y[:20])
    assert (found.code, found.layer, found.expected, found.got) == ("SW713", "fit", 60, 20)
    assert "60 = 3 x 20" in found.reason
    with pytest.raises(ValueError, match="cardinality") as error:
        model().fit(X, Y[:20], verbose=0)
    assert shapewidget.explain(error.value).findings[0].expected == 60


SERIES = np.random.default_rng(1).normal(size=(1, 30, 4)).astype("float32")


@pytest.mark.parametrize("is_each_step", [True, False])
def test_labels_of_the_steps_of_one_sequence_are_read_as_the_model_does(is_each_step):
    made = keras.Sequential([keras.layers.LSTM(5, return_sequences=is_each_step), keras.layers.Dense(1)])
    made.compile("sgd", "mse")
    labels = SERIES.mean(-1).reshape(30, 1)
    with shapewidget.capture(reraise=False) as report:
        made.fit(SERIES, labels, verbose=0)
    (found,) = report.findings
    wanted = "labels.reshape(1, 30, 1)" if is_each_step else "SERIES.reshape(30, 1, 4)"
    assert (found.code, found.expected, found.got, found.verified) == ("SW713", 1, 30, True)
    assert wanted in found.fix
    assert "+" in found.patch


class Counted(keras.utils.PyDataset):
    """Batches of 8; says how many there are."""

    def __init__(self, count):
        super().__init__()
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, place):
        return X[place * 8 : (place + 1) * 8], Y[place * 8 : (place + 1) * 8]


def test_batches_beyond_the_data_are_empty_and_told():
    (found,) = fitted(Counted(9), shuffle=False)
    assert (found.code, found.where, found.expected, found.got) == ("SW706", "loader", 8, 9)
    assert fitted(Counted(8), shuffle=False) == []


def elements(width):
    for place in range(20):
        yield np.zeros(width, "float32"), Y[place]


def declared(width):
    return tf.data.Dataset.from_generator(
        lambda: elements(4), output_signature=(tf.TensorSpec((width,), tf.float32), tf.TensorSpec((), tf.int64))
    ).batch(5)


def test_generator_that_does_not_keep_its_signature_is_told_with_the_one_it_keeps():
    (found,) = fitted(declared(3), shuffle=False)
    assert (found.code, found.layer, found.expected, found.got) == ("SW711", "Dataset.from_generator", 3, 4)
    assert "tf.TensorSpec((4,), tf.float32)" in found.fix
    assert found.verified
    assert fitted(declared(4), shuffle=False) == []


def test_error_before_any_layer_ran_is_told_as_what_it_is():
    with shapewidget.capture(reraise=False) as report:
        raise LookupError("no file of that name")
    (found,) = report.findings
    assert found.code == "SW901"
    assert "no file of that name" in found.reason


@pytest.mark.parametrize(("sizes", "code"), [((10, 3), "SW708"), ((), "SW709"), ((10,), None)])
def test_data_that_is_batched_twice_or_never_is_told_of_the_loader(sizes, code):
    data = tf.data.Dataset.from_tensor_slices((X, Y))
    for size in sizes:
        data = data.batch(size)
    found = fitted(data, shuffle=False)
    assert [(each.code, each.where, each.verified) for each in found] == ([(code, "loader", True)] if code else [])
