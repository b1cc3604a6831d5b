"""Advice that would run and still be wrong is not given: samples are kept, and the right part is mended."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import shapewidget


def drawn(*shape):
    return np.random.default_rng(0).random(shape, "float32")


def added(found):
    return [line[1:].strip() for line in found.patch.splitlines() if line.startswith("+") and line[:3] != "+++"]


class Distances(layers.Layer):
    """One number for each column of a table that has a row for each feature."""

    def build(self, shape):
        self.table = self.add_weight(shape=(shape[-1], 6))

    def call(self, x):
        return ops.sum(ops.square(x - self.table), axis=1)


class Weighted(layers.Layer):
    """A weight for every step of a sequence."""

    def build(self, shape):
        self.steps = self.add_weight(shape=(shape[1],))

    def call(self, x):
        return ops.sum(x * self.steps, axis=1)


def test_samples_are_given_an_axis_and_not_thrown_away():
    model = keras.Sequential([layers.Dense(4), Distances()])
    found = shapewidget.probe(model, drawn(16, 10)).findings[0]
    assert found.verified
    assert added(found) == ["return ops.sum(ops.square(x[..., None] - self.table), axis=1)"]


def test_weights_of_the_steps_are_given_the_axis_of_the_features():
    with shapewidget.capture(reraise=False) as report:
        Weighted()(keras.Input((9, 5)))
    assert report.findings[0].verified
    assert "x * self.steps[None, :, None]" in report.findings[0].fix


class Shifted(keras.Model):
    """The mean of all the sequences is taken away from each of them."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = layers.Dense(5), layers.Dense(3)

    def centre(self, x):
        return tf.reduce_mean(x)

    def call(self, x):
        x = self.inner(x)
        return self.outer(x - self.centre(x))


class ShiftedAlone(Shifted):
    """The mean of every sequence."""

    def centre(self, x):
        return tf.reduce_mean(x, axis=(1, 2), keepdims=True)


def test_statistic_over_the_batch_is_given_the_axes_as_tensorflow_names_them():
    found = shapewidget.probe(Shifted(), drawn(8, 12, 6)).findings[0]
    assert found.code == "SW603"
    assert added(found) == ["return tf.reduce_mean(x, axis=(1, 2), keepdims=True)"]
    assert not shapewidget.probe(ShiftedAlone(), drawn(8, 12, 6)).findings


def residual(*, strides=(2, 1), shortcut=1, widths=(16, 16), swapped=False):
    """Two convolutions, and around them one: the shortcut."""
    x = layers.Conv2D(8, 3, padding="same")(keras.Input((32, 32, 3)))
    y = layers.Conv2D(16, 3, strides=strides[0], padding="same")(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.Conv2D(widths[0], 3, strides=strides[1], padding="same")(y)
    around = layers.Conv2D(widths[1], 1, strides=shortcut, name="around")(x)
    return layers.Add()([y, around] if swapped else [around, y])


@pytest.mark.parametrize("swapped", [True, False])
@pytest.mark.parametrize(
    ("sizes", "line"),
    [
        ({}, 'around = layers.Conv2D(widths[1], 1, strides=2, name="around")(x)'),
        ({"strides": (1, 1), "shortcut": 2}, 'around = layers.Conv2D(widths[1], 1, strides=1, name="around")(x)'),
        ({"widths": (16, 24), "shortcut": 2}, 'around = layers.Conv2D(16, 1, strides=shortcut, name="around")(x)'),
    ],
)
def test_shortcut_is_made_to_fit_the_path_that_it_goes_around(sizes, line, swapped):
    with shapewidget.capture(reraise=False) as report:
        residual(**sizes, swapped=swapped)
    assert report.findings[0].verified
    assert added(report.findings[0]) == [line]


@pytest.mark.parametrize(
    ("shape", "line"),
    [
        ((1, 1, 12), 'gate = layers.Reshape((12, 1, 1), name="gate")(gate)'),
        (None, "return layers.Multiply()([x, layers.Permute(dims=(3, 1, 2))(gate)])"),
    ],
)
def test_gate_is_laid_along_the_channels_and_nothing_is_built_for_it(shape, line):
    x = layers.Conv2D(12, 3, data_format="channels_first")(keras.Input((3, 10, 10)))
    gate = layers.GlobalAveragePooling2D(data_format="channels_first")(x)
    with shapewidget.capture(reraise=False) as report:
        gated(x, layers.Dense(12, activation="sigmoid")(gate), shape)
    found = report.findings[0]
    assert (found.code, found.verified, added(found)) == ("SW201", True, [line])


def gated(x, gate, shape):
    if shape is None:
        gate = layers.Dense(12, activation="sigmoid")(layers.Reshape((1, 1, 12))(gate))
    else:
        gate = layers.Reshape(shape, name="gate")(gate)
    return layers.Multiply()([x, gate])


CLASSES = np.arange(40) % 5


@pytest.mark.parametrize(
    ("loss", "targets", "fix"),
    [
        ("SparseCategoricalCrossentropy", CLASSES + 1, "loss(targets - 1, outputs)"),
        ("CategoricalCrossentropy", np.eye(6)[CLASSES + 1], "loss(targets[..., 1:], outputs)"),
    ],
)
def test_labels_that_are_counted_from_one_are_lowered_and_no_class_is_added(loss, targets, fix):
    model = keras.Sequential([keras.Input((6,)), layers.Dense(5, activation="softmax")])
    inputs, loss = drawn(40, 6), getattr(keras.losses, loss)()
    found = shapewidget.probe(model, inputs, targets=targets, loss=loss).findings[0]
    assert found.verified
    assert found.fix == fix
    assert "the labels are counted from 1" in found.reason
    lowered = targets - 1 if targets.ndim == 1 else targets[:, 1:]
    assert not shapewidget.probe(model, inputs, targets=lowered, loss=loss).findings


@pytest.mark.parametrize("targets", [np.arange(40) % 6, np.eye(6)[np.arange(40) % 6]])
def test_labels_of_more_classes_than_outputs_are_given_a_unit_more(targets):
    model = keras.Sequential([keras.Input((6,)), layers.Dense(5, activation="softmax", name="kind")])
    name = "SparseCategoricalCrossentropy" if targets.ndim == 1 else "CategoricalCrossentropy"
    found = shapewidget.probe(model, drawn(40, 6), targets=targets, loss=getattr(keras.losses, name)()).findings[0]
    assert "counted from 1" not in found.reason
    assert 'layers.Dense(6, activation="softmax", name="kind")' in added(found)[0]


def convolved(shape):
    x = layers.Conv2D(8, 3, padding="same", name="near")(keras.Input(shape))
    x = layers.MaxPooling2D(2, padding="same", name="half")(x)
    return layers.Conv2D(8, 5, name="far")(x)


def test_channels_of_a_picture_are_moved_to_the_end_and_no_window_is_padded():
    with shapewidget.capture(reraise=False) as report:
        convolved((3, 32, 40))
    found = report.findings[0]
    assert found.verified
    assert "has its channels first" in found.reason
    assert "layers.Permute(dims=(2, 3, 1))(keras.Input(shape))" in added(found)[0]


def test_small_picture_is_not_taken_for_one_with_channels_first():
    with shapewidget.capture(reraise=False) as report:
        convolved((6, 6, 3))
    assert "channels first" not in report.findings[0].reason
    with shapewidget.capture(reraise=False) as right:
        convolved((32, 40, 3))
    assert not right.findings


def test_model_that_a_fit_of_another_rank_left_unbuilt_is_probed():
    model = keras.Sequential([layers.Conv2D(4, 3, name="first"), layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="min_ndim"):
        model.fit(drawn(8, 10, 10), drawn(8, 2), verbose=0)
    found = shapewidget.probe(model, drawn(8, 10, 10)).findings[0]
    assert (found.layer, found.expected, found.got) == ("first", 4, 3)
    assert not model.built


def test_products_are_summed_along_an_axis_that_both_have_and_nothing_is_filled_up():
    with shapewidget.capture(reraise=False) as report:
        one, other = keras.Input((10, 8)), keras.Input((12, 8))
        layers.Dot(axes=(1, 1), name="similarity")([one, other])
    (found,) = report.findings
    assert (found.layer, found.verified) == ("similarity", True)
    assert "axes=(2, 2)" in found.fix
