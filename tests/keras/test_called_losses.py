"""Losses and metrics as the user's own program calls them: aligned by `fit`, as they are by a loop, without targets."""

import keras
import pytest
import tensorflow as tf
from keras import layers, ops
from keras_wrong import floats, whole

import shapewidget
from shapewidget.diagnosis.findings import Severity


def alarms(report):
    return [each for each in report.findings if each.severity is not Severity.NOTE]


def regressor():
    return keras.Sequential([keras.Input((3,)), layers.Dense(1)])


def with_an_axis(y, out):
    return tf.reduce_mean(tf.abs(y[:, tf.newaxis] - out))


def as_they_are(y, out):
    return tf.reduce_mean(tf.abs(y - out))


def test_loss_that_aligns_its_targets_itself_is_given_them_as_a_loop_gives_them():
    assert not alarms(shapewidget.probe(regressor(), floats(12, 3), targets=floats(12), loss=with_an_axis))


def test_loss_that_relies_on_fit_to_align_its_targets_raises_no_alarm():
    assert not alarms(shapewidget.probe(regressor(), floats(12, 3), targets=floats(12), loss=as_they_are))


def test_same_loss_in_a_loop_of_the_users_own_is_told_with_a_fix_that_was_run():
    model, x, y = regressor(), tf.constant(floats(12, 3)), tf.constant(floats(12))
    with shapewidget.capture() as report, tf.GradientTape():
        as_they_are(y, model(x))
    first = alarms(report)[0]
    assert (first.code, first.layer, first.verified) == ("SW302", "sub", True)
    assert "+    return tf.reduce_mean(tf.abs(y[:, None] - out))" in first.patch


def pairs_agree(y_true, y_pred):
    return ops.mean(ops.cast(ops.equal(ops.round(y_pred), y_true), "float32"))


def rows_agree(y_true, y_pred):
    return ops.mean(ops.cast(ops.equal(ops.round(y_pred)[:, 0], y_true), "float32"))


def evaluated(metric):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=[metric])
    with shapewidget.capture() as report:
        model.evaluate(floats(12, 3), whole(2, 12).astype("float32"), verbose=0)
    return report


def test_metric_of_the_users_own_that_compares_all_pairs_is_told():
    first = alarms(evaluated(pairs_agree))[0]
    assert (first.code, first.layer, first.verified) == ("SW302", "equal", True)
    assert first.patch


def test_metric_of_the_users_own_that_aligns_is_left_alone():
    report = evaluated(rows_agree)
    assert not alarms(report)
    assert "rows_agree" in {layer.name for layer in report.graph.layers}


def margin_of(axis):
    def margin(_, codes):
        near, far = tf.square(codes[:, 0] - codes[:, 1]), tf.square(codes[:, 0] - codes[:, 2])
        return tf.maximum(tf.reduce_sum(near, axis=axis) - tf.reduce_sum(far, axis=axis) + 0.3, 0.0)

    return margin


@pytest.mark.parametrize(("axis", "codes"), [(None, ["SW624"]), (-1, [])])
def test_loss_that_takes_no_targets_is_looked_at_without_them(axis, codes):
    model = keras.Sequential([keras.Input((3, 9)), layers.Dense(5)])
    report = shapewidget.probe(model, floats(8, 3, 9), loss=margin_of(axis))
    assert [each.code for each in alarms(report)][:1] == codes


def test_loss_of_keras_waits_for_targets():
    assert not alarms(shapewidget.probe(regressor(), floats(8, 3), loss=keras.losses.MeanSquaredError()))


def test_labels_of_ctc_have_a_length_of_their_own():
    model = keras.Sequential([keras.Input((15, 4)), layers.Dense(7)])
    report = shapewidget.probe(model, floats(3, 15, 4), targets=1 + whole(6, 3, 5), loss=keras.losses.CTC())
    assert not alarms(report)


def forecast(last):
    return keras.Sequential([keras.Input((9, 2)), *last])


@pytest.mark.parametrize(
    ("last", "targets", "fix"),
    [
        ([layers.GRU(5, return_sequences=True, name="reads"), layers.Dense(1)], floats(6, 1), "return_sequences=False"),
        ([layers.GRU(5), layers.Dense(1, name="ahead")], floats(6, 4, 1), "ahead"),
    ],
    ids=["every step against one target", "one output against several steps"],
)
def test_steps_that_a_loss_repeats_are_told_with_a_fix_that_was_run(last, targets, fix):
    report = shapewidget.probe(forecast(last), floats(6, 9, 2), targets=targets, loss=keras.losses.MeanSquaredError())
    first = alarms(report)[0]
    assert (first.code, first.verified) == ("SW305", True)
    assert fix in first.fix


@pytest.mark.parametrize(("weights", "codes"), [((8, 1), ["SW302"]), ((8,), [])])
def test_weights_in_a_column_against_one_loss_a_sample_are_told(weights, codes):
    model, loss = keras.Sequential([keras.Input((6,)), layers.Dense(3)]), keras.losses.MeanSquaredError(reduction=None)
    x, y, weight = map(tf.constant, (floats(8, 6), floats(8, 3), floats(*weights)))
    with shapewidget.capture() as report:
        tf.reduce_mean(loss(y, model(x)) * weight)
    assert [each.code for each in alarms(report)] == codes
    assert all(each.verified for each in alarms(report))


def logits_of(model, x, axis):
    return tf.squeeze(model(x), axis=axis)


@pytest.mark.parametrize(("axis", "codes"), [(None, ["SW612"]), (1, [])])
def test_batch_of_one_that_a_squeeze_takes_away_is_told_where_the_loop_fails(axis, codes):
    model, batches = regressor(), tf.data.Dataset.from_tensor_slices((floats(9, 3), floats(9))).batch(8)
    with shapewidget.capture(reraise=False) as report:
        for x, y in batches:
            tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits_of(model, x, axis))
    assert [each.code for each in alarms(report)] == codes
    assert all("(8, 1)" in each.reason and each.fix == "tf.squeeze(model(x), axis=1)" for each in alarms(report))
