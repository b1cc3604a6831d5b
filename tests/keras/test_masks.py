"""Masks of padding that are lost on the way, and masks of attention that have the wrong axes."""

import keras
import numpy as np
import pytest
from keras import layers

import shapewidget
from shapewidget.diagnosis.findings import Severity

pytestmark = pytest.mark.filterwarnings("ignore:.*does not support masking")  # what Keras says of the wrong ones
IDS = np.array([[3, 5, 7, 2, 9], [4, 6, 0, 0, 0], [8, 1, 2, 0, 0]])


class Scaled(layers.Layer):
    def __init__(self, hands_on, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = hands_on

    def call(self, x):
        return 2.0 * x


class Doubled(keras.Model):
    def __init__(self, hands_on):
        super().__init__()
        self.embed, self.read = layers.Embedding(20, 8, mask_zero=True), layers.GRU(6)
        self.hands_on = hands_on

    def call(self, ids):
        x = 2.0 * self.embed(ids)
        return self.read(x, mask=self.embed.compute_mask(ids)) if self.hands_on else self.read(x)


class Attending(keras.Model):
    def __init__(self, axes):
        super().__init__()
        self.attend, self.axes = layers.MultiHeadAttention(2, 4), axes

    def call(self, x, keep):
        return self.attend(x, x, attention_mask=keep[:, None, :] if self.axes == 3 else keep)


def reader(between, last):
    return keras.Sequential(
        [keras.Input((None,), dtype="int32"), layers.Embedding(20, 8, mask_zero=True), between, last]
    )


def alarms(report):
    return [each for each in report.findings if each.severity is not Severity.NOTE]


@pytest.mark.parametrize(
    "between",
    [
        Scaled(hands_on=False, name="loses"),
        layers.Lambda(lambda x: 2.0 * x, name="loses"),
        layers.Conv1D(8, 3, padding="same", name="loses"),
        layers.Reshape((-1, 4), name="loses"),
    ],
    ids=["own", "lambda", "convolution", "reshape"],
)
@pytest.mark.parametrize("last", [layers.LSTM, layers.GlobalAveragePooling1D])
def test_layer_that_loses_the_mask_is_named(between, last):
    first = alarms(shapewidget.probe(reader(between, last(6) if last is layers.LSTM else last()), IDS))[0]
    assert (first.code, first.layer) == ("SW625", "loses")
    assert "(3, 5" in first.reason


@pytest.mark.parametrize(
    ("between", "last"),
    [
        (Scaled(hands_on=True), layers.LSTM(6)),
        (layers.Dense(4), layers.Bidirectional(layers.GRU(6))),
        (layers.Conv1D(8, 3), layers.GlobalMaxPooling1D()),
        (layers.LSTM(4, return_sequences=True), layers.GlobalAveragePooling1D()),
    ],
    ids=["handed on", "kept", "not looked for", "through a recurrent layer"],
)
def test_mask_that_arrives_or_is_not_looked_for_is_no_finding(between, last):
    assert not alarms(shapewidget.probe(reader(between, last), IDS))


def test_operation_that_loses_the_mask_is_named():
    found = alarms(shapewidget.probe(Doubled(hands_on=False), IDS))
    assert [(each.code, each.op) for each in found] == [("SW625", "mul")]
    assert not alarms(shapewidget.probe(Doubled(hands_on=True), IDS))


def test_fix_of_an_own_layer_that_loses_the_mask_is_tried_and_shown():
    first = alarms(shapewidget.probe(reader(Scaled(hands_on=False), layers.LSTM(6)), IDS))[0]
    assert first.verified
    assert "+        self.supports_masking = True" in first.patch


@pytest.mark.parametrize(("samples", "code"), [(3, "SW107"), (5, "SW622")], ids=["refused", "as many samples as steps"])
def test_mask_of_padding_without_an_axis_for_the_queries(samples, code):
    given = np.zeros((samples, 5, 8), "float32"), np.ones((samples, 5), "bool")
    first = alarms(shapewidget.probe(Attending(axes=2), given))[0]
    assert (first.code, first.layer, first.verified) == (code, "attend", True)
    assert not alarms(shapewidget.probe(Attending(axes=3), given))


def test_keys_of_another_length_than_values_are_refused():
    query, key, value = keras.Input((4, 8)), keras.Input((6, 8)), keras.Input((9, 8))
    with shapewidget.capture(reraise=False) as report:
        layers.MultiHeadAttention(2, 4, name="attend")(query, value, key)
    assert [(each.code, each.layer, each.expected, each.got) for each in report.findings] == [("SW107", "attend", 9, 6)]


def test_vectors_in_place_of_sequences_are_refused():
    x = keras.Input((8,))
    model = keras.Model(x, layers.MultiHeadAttention(2, 4, name="attend")(x, x))
    first = alarms(shapewidget.probe(model, np.zeros((3, 8), "float32")))[0]
    assert (first.code, first.layer, first.expected, first.got) == ("SW110", "attend", 3, 2)


def test_state_of_both_directions_does_not_fit_one():
    ids = keras.Input((6,), dtype="int32")
    x = layers.Embedding(20, 8)(ids)
    summary = layers.Bidirectional(layers.GRU(5))(x)
    model = keras.Model(ids, layers.GRU(5, name="decode")(x, initial_state=summary))
    first = alarms(shapewidget.probe(model, np.ones((3, 6), "int32")))[0]
    assert (first.code, first.layer, first.expected, first.got, first.verified) == ("SW104", "decode", 5, 10, True)
