"""Padding that is counted like data: in a mean of losses, in a mean over steps, behind a lost or an inverted mask."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import shapewidget
from shapewidget.diagnosis.findings import Severity

pytestmark = pytest.mark.filterwarnings("ignore:.*does not support masking")  # what Keras says of the wrong ones
IDS = np.array([[3, 5, 7, 2, 9, 4], [4, 6, 0, 0, 0, 0], [8, 1, 2, 0, 0, 0]])
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")


def alarms(report):
    return [each for each in report.findings if each.severity is not Severity.NOTE]


def tagger():
    return keras.Sequential([keras.Input((None,), dtype="int32"), layers.Embedding(10, 8), layers.Dense(10)])


def over_all_steps(real, pred):
    losses = CROSS_ENTROPY(real, pred)
    mask = tf.cast(tf.not_equal(real, 0), losses.dtype)
    return tf.reduce_mean(losses * mask)


def over_words(real, pred):
    losses = CROSS_ENTROPY(real, pred)
    mask = tf.cast(tf.not_equal(real, 0), losses.dtype)
    return tf.reduce_sum(losses * mask) / tf.reduce_sum(mask)


def over_words_by_means(real, pred):
    losses = CROSS_ENTROPY(real, pred)
    mask = tf.cast(tf.not_equal(real, 0), losses.dtype)
    return tf.reduce_mean(losses * mask) / tf.reduce_mean(mask)


def test_mean_of_masked_losses_is_told_in_a_loop_with_a_fix_that_was_run():
    model, ids = tagger(), tf.constant(IDS)
    with shapewidget.capture() as report:
        over_all_steps(ids, model(ids))
    (found,) = alarms(report)
    assert (found.code, found.where, found.verified) == ("SW665", "loss", True)
    assert "tf.reduce_sum(losses * mask) / tf.reduce_sum(mask)" in found.fix
    assert "3 x 6 = 18" in found.reason


@pytest.mark.parametrize("loss", [over_words, over_words_by_means])
def test_sum_over_the_words_is_left_alone(loss):
    assert not alarms(shapewidget.probe(tagger(), IDS, targets=IDS, loss=loss))


class Pooled(layers.Layer):
    def __init__(self, counts_words, **kwargs):
        super().__init__(**kwargs)
        self.counts_words = counts_words

    def call(self, x, ids):
        mask = ops.cast(ops.not_equal(ids, 0), "float32")[..., None]
        if self.counts_words:
            return ops.sum(x * mask, axis=1) / ops.sum(mask, axis=1)
        return ops.mean(x * mask, axis=1)


def pooled_by_hand(counts_words):
    ids = keras.Input((None,), dtype="int32")
    words = layers.GRU(5, return_sequences=True)(layers.Embedding(10, 8)(ids))
    return keras.Model(ids, layers.Dense(2)(Pooled(counts_words)(words, ids)))


def pooled_with_mask(looks_for_it):
    ids = keras.Input((None,), dtype="int32")
    words = layers.Embedding(10, 8, mask_zero=True)(ids)
    pool = layers.GlobalAveragePooling1D() if looks_for_it else layers.Lambda(lambda x: ops.mean(x, axis=1))
    return keras.Model(ids, layers.Dense(2)(pool(words)))


def attending(to_words):
    ids = keras.Input((None,), dtype="int32")
    words = layers.Embedding(10, 8)(ids)
    mask = (ops.not_equal(ids, 0) if to_words else ops.equal(ids, 0))[:, None, :]
    return keras.Model(ids, layers.MultiHeadAttention(2, 4)(words, words, attention_mask=mask))


def in_order(of_words):
    ids = keras.Input((6,), dtype="int32")
    words = layers.Embedding(10, 8)(ids)
    mask = np.tril(np.ones((1, 6, 6), bool)) if of_words else np.triu(np.ones((1, 6, 6), bool))
    return keras.Model(ids, layers.MultiHeadAttention(2, 4)(words, words, attention_mask=mask))


def read_on(with_mask):
    ids = keras.Input((None,), dtype="int32")
    words = layers.Embedding(10, 8, mask_zero=True)(ids) * 2.0
    read = layers.GRU(5, name="read")
    return keras.Model(ids, read(words, mask=ids != 0) if with_mask else read(words))


def read_in_windows(with_mask):
    ids = keras.Input((6,), dtype="int32")
    pairs = layers.Reshape((-1, 16))(layers.Embedding(10, 8, mask_zero=True)(ids))
    mask = ops.any(layers.Reshape((-1, 2))(ids != 0), -1)
    read = layers.GRU(5, name="read")
    return keras.Model(ids, read(pairs, mask=mask) if with_mask else read(pairs))


MODELS = [
    (pooled_by_hand, "SW665"),
    (pooled_with_mask, "SW665"),
    (attending, "SW619"),
    (in_order, "SW619"),
    (read_on, "SW625"),
    (read_in_windows, "SW625"),
]


@pytest.mark.parametrize(("build", "code"), MODELS)
def test_padding_that_a_model_counts_is_told_with_a_fix_that_was_run(build, code):
    (found,) = alarms(shapewidget.probe(build(False), IDS))
    assert (found.code, found.verified) == (code, True)


@pytest.mark.parametrize("build", [build for build, _ in MODELS])
def test_padding_that_a_model_leaves_out_is_no_mistake(build):
    assert not alarms(shapewidget.probe(build(True), IDS))


def test_lost_mask_is_handed_over_in_the_line_that_builds_the_model():
    with shapewidget.capture(reraise=False) as report:
        model = read_on(with_mask=False)
        model(IDS)
    found = next(each for each in alarms(report) if each.code == "SW625")
    assert (found.layer, found.op, found.verified) == ("read", "mul", True)
    assert "read(words, mask=ids != 0)" in found.patch
