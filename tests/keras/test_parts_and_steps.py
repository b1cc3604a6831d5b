"""Samples taken for parts of a result, steps in opposite orders, classes compared along the batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import shapewidget
from shapewidget.diagnosis.findings import Severity


def alarms(report):
    return [each for each in report.findings if each.severity is not Severity.NOTE]


# -- samples and parts ----------------------------------------------------------------------------------------------


def deviation(targets, outputs):
    mean, spread = outputs[0], outputs[1]
    return ops.mean(ops.square((targets - mean) / (1e-3 + ops.softplus(spread))))


def deviation_of_columns(targets, outputs):
    mean, spread = outputs[:, 0:1], outputs[:, 1:2]
    return ops.mean(ops.square((targets - mean) / (1e-3 + ops.softplus(spread))))


def triplet(outputs):
    one, two, three = outputs[0], outputs[1], outputs[2]
    return tf.reduce_mean(tf.maximum(tf.reduce_sum((one - two) ** 2 - (one - three) ** 2, -1) + 1.0, 0.0))


def triplet_of_roles(outputs):
    one, two, three = outputs[:, 0], outputs[:, 1], outputs[:, 2]
    return tf.reduce_mean(tf.maximum(tf.reduce_sum((one - two) ** 2 - (one - three) ** 2, -1) + 1.0, 0.0))


def forecast():
    return keras.Sequential([keras.Input((7,)), layers.Dense(2)])


def roles():
    inputs, encode = [keras.Input((5,)) for _ in range(3)], layers.Dense(4)
    return keras.Model(inputs, ops.stack([encode(each) for each in inputs], axis=1))


X, Y = np.arange(63.0).reshape(9, 7) / 63, np.ones((9, 1), "float32")


def test_first_samples_taken_for_columns_are_told_in_fit():
    model = forecast()
    model.compile(loss=deviation, optimizer="sgd")
    with shapewidget.capture(reraise=False) as report:
        model.fit(X, Y, batch_size=9, verbose=0)
    first = alarms(report)[0]
    assert (first.code, first.where, first.verified) == ("SW647", "loss", True)
    assert "mean, spread = outputs[:, 0:1], outputs[:, 1:2]" in first.patch


def test_first_samples_taken_for_roles_are_told_in_a_loop():
    model = roles()
    with shapewidget.capture() as report:
        triplet(model([np.ones((8, 5), "float32")] * 3))
    (found,) = alarms(report)
    assert (found.code, found.verified, found.got) == ("SW647", True, "samples 0 to 2 of 8")
    assert found.patch.count("\n+") == 2  # the head of the file, and the one line with its three edits


def test_columns_and_roles_are_left_alone():
    assert not alarms(shapewidget.probe(forecast(), X, targets=Y, loss=deviation_of_columns))
    model = roles()
    with shapewidget.capture() as report:
        triplet_of_roles(model([np.ones((8, 5), "float32")] * 3))
    assert not alarms(report)


def test_examples_looked_at_beside_the_loss_are_left_alone():
    model = forecast()
    with shapewidget.capture() as report:
        outputs = model(tf.constant(X))
        shown = outputs[0] - outputs[1]
        tf.reduce_mean(tf.square(outputs - Y)) + 0.0 * tf.reduce_sum(shown)
    assert not alarms(report)


# -- steps ----------------------------------------------------------------------------------------------------------


def both_ways(turned, merge):
    rows = keras.Input((8, 6))
    forward = layers.LSTM(4, return_sequences=True)(rows)
    backward = layers.LSTM(4, return_sequences=True, go_backwards=True, name="back")(rows)
    backward = layers.Dropout(0.1)(backward)
    return keras.Model(rows, merge([forward, ops.flip(backward, 1) if turned else backward]))


@pytest.mark.parametrize(
    ("merge", "severity"), [(layers.Add(), Severity.COINCIDENCE), (layers.Concatenate(), Severity.NOTE)]
)
def test_steps_in_opposite_orders_are_told_with_a_fix_that_was_run(merge, severity):
    report = shapewidget.probe(both_ways(False, merge), np.ones((3, 8, 6), "float32"))
    (found,) = (each for each in report.findings if each.code == "SW628")
    assert (found.layer, found.severity, found.verified) == ("back", severity, True)


@pytest.mark.parametrize("merge", [layers.Add(), layers.Concatenate(), layers.Concatenate(axis=1)])
def test_steps_in_one_order_are_left_alone(merge):
    assert not alarms(shapewidget.probe(both_ways(True, merge), np.ones((3, 8, 6), "float32")))


def test_two_that_both_go_backwards_are_left_alone():
    rows = keras.Input((8, 6))
    back = [layers.LSTM(4, return_sequences=True, go_backwards=True)(rows) for _ in range(2)]
    assert not alarms(shapewidget.probe(keras.Model(rows, layers.Add()(back)), np.ones((3, 8, 6), "float32")))


# -- classes --------------------------------------------------------------------------------------------------------


def hits(targets, outputs):
    return tf.reduce_mean(tf.cast(tf.equal(tf.argmax(targets), tf.argmax(outputs)), "float32"))


def hits_of_samples(targets, outputs):
    return tf.reduce_mean(tf.cast(tf.equal(tf.argmax(targets, -1), tf.argmax(outputs, -1)), "float32"))


@pytest.mark.parametrize(("metric", "codes"), [(hits, ["SW603"]), (hits_of_samples, [])])
def test_metric_that_looks_for_the_largest_sample_is_told(metric, codes):
    model = forecast()
    model.compile(loss="mse", optimizer="sgd", metrics=[metric])
    with shapewidget.capture() as report:
        model.fit(X, np.eye(2, dtype="float32")[[0, 1, 0, 1, 1, 0, 0, 1, 1]], batch_size=9, verbose=0)
    found = alarms(report)
    assert [each.code for each in found] == codes
    assert all(each.verified for each in found)


# -- labels in a column ---------------------------------------------------------------------------------------------


def pairs(labels, codes):
    products = tf.matmul(codes, codes, transpose_b=True)
    same = tf.cast(tf.equal(labels[None], labels[:, None]), products.dtype)
    return tf.reduce_mean(products * same)


def test_labels_in_a_column_are_squeezed_before_they_meet_one_another():
    report = shapewidget.probe(forecast(), X, targets=np.array([[0], [1], [2]] * 3), loss=pairs)
    first = alarms(report)[0]
    assert (first.code, first.verified) == ("SW302", True)
    assert "squeeze(targets, -1)" in first.fix


# -- several outputs ------------------------------------------------------------------------------------------------


def two_heads():
    rows = keras.Input((7,))
    outputs = [layers.Dense(1, name="price")(rows), layers.Dense(4, activation="softmax", name="kind")(rows)]
    model = keras.Model(rows, outputs)
    model.compile(loss=["mse", "categorical_crossentropy"], optimizer="sgd")
    return model


def test_targets_in_another_order_than_the_outputs_are_put_in_theirs():
    model, kinds = two_heads(), np.eye(4, dtype="float32")[[0, 1, 2, 3, 0, 1, 2, 3, 0]]
    with shapewidget.capture(reraise=False) as report:
        model.fit(X, [kinds, Y], batch_size=9, verbose=0)
    first = alarms(report)[0]
    assert first.verified
    assert "another order" in first.reason
    assert "model.fit(X, [Y, kinds], batch_size=9, verbose=0)" in first.fix


# -- tensors joined along the batch, keys not turned, weights of another width --------------------------------------


def joined(axis):
    one, other = keras.Input((6,)), keras.Input((6,))
    both = layers.Concatenate(axis=axis, name="both")([layers.Dense(5)(one), layers.Dense(5)(other)])
    return keras.Model([one, other], layers.Dense(1)(both))


def test_tensors_joined_along_the_batch_are_joined_along_the_features():
    data = np.ones((4, 6), "float32"), np.ones((4, 6), "float32")
    loss = keras.losses.MeanSquaredError()
    first = alarms(shapewidget.probe(joined(0), data, targets=np.ones((4, 1)), loss=loss))[0]
    assert (first.code, first.layer, first.verified) == ("SW303", "both", True)
    assert "axis=-1" in first.fix
    assert not alarms(shapewidget.probe(joined(-1), data, targets=np.ones((4, 1)), loss=loss))


def test_key_of_a_product_is_turned_while_the_model_is_built():
    rows = keras.Input((8, 5))
    with shapewidget.capture(reraise=False) as report:
        one, other = layers.Dense(6)(rows), layers.Dense(6)(rows)
        keras.Model(rows, ops.matmul(one, other))
    first = alarms(report)[0]
    assert (first.code, first.verified) == ("SW203", True)
    assert "ops.matmul(one, ops.swapaxes(other, -2, -1))" in first.patch


class Scored(layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.units = units

    def build(self, shape):
        self.kernel = self.add_weight(shape=(self.units, self.units), name="kernel")

    def call(self, x):
        return ops.matmul(x, self.kernel)


def test_weight_of_an_own_layer_is_made_for_the_features_that_come():
    model = keras.Sequential([layers.Dense(9), Scored(4)])
    first = alarms(shapewidget.probe(model, np.ones((3, 5), "float32")))[0]
    assert (first.code, first.verified) == ("SW203", True)
    assert "shape=(shape[-1], self.units)" in first.patch


class Products(tf.Module):
    def __call__(self, x):
        turned = tf.transpose(x)
        return tf.matmul(x, turned)


def test_transpose_that_turned_every_axis_is_told_the_last_two():
    products, x = Products(), tf.ones((3, 10, 16))
    with shapewidget.capture(reraise=False) as report:
        products(x)
    first = alarms(report)[0]
    assert (first.code, first.verified) == ("SW203", True)
    assert "turned = tf.transpose(x, [0, 2, 1])" in first.patch


def test_metric_of_class_ids_is_told_that_it_is_given_probabilities():
    model = keras.Sequential([keras.Input((4, 4, 3)), layers.Conv2D(2, 1, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy", metrics=[keras.metrics.MeanIoU(num_classes=2)])
    with shapewidget.capture(reraise=False) as report:
        model.fit(np.ones((4, 4, 4, 3)), np.zeros((4, 4, 4), int), verbose=0)
    first = next(each for each in alarms(report) if each.code == "SW642")
    assert first.verified
    assert first.fix == "MeanIoU(num_classes=2, sparse_y_pred=False)"
