"""Labels that `padded_batch` fills up, and losses of Keras that count them or leave them out."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import shapewidget

LENGTHS = (12, 3, 2, 5, 7, 9)


def dataset(first, value=0, weighed=False):
    """Words and their classes, from `first` on; with a weight of 0 for what fills up."""

    def sentences():
        rng = np.random.default_rng(2)
        for length in LENGTHS:
            words = rng.integers(1, 60, length).astype("int32")
            labels = rng.integers(first, 5, length).astype("int32")
            yield (words, labels, np.ones(length, "float32")) if weighed else (words, labels)

    kinds = [tf.int32, tf.int32, tf.float32][: 2 + weighed]
    made = tf.data.Dataset.from_generator(
        sentences, output_signature=tuple(tf.TensorSpec((None,), kind) for kind in kinds)
    )
    return made.padded_batch(3, padding_values=(0, value, 0.0) if weighed else (0, value))


def tagger(masks=False):
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(60, 6, mask_zero=masks),
            keras.layers.GRU(5, return_sequences=True),
            keras.layers.Dense(5),
        ]
    )


def loss(**options):
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, **options)


def told(data, model, compared):
    report = shapewidget.check_loader(data, model=model, loss=compared)
    return [each for each in report.findings if each.code == "SW734"]


@pytest.mark.parametrize(("first", "fix"), [(0, "fill the labels up with -1"), (1, "(ignore_class=0)")])
def test_padding_that_a_loss_counts_as_a_class_is_told_with_a_fix_that_was_run(first, fix):
    (found,) = told(dataset(first), tagger(), loss())
    where = "loss" if first else "loader"  # where padding is a class too, the number that fills up has to be another
    assert (found.where, found.expected, found.got, found.verified) == (where, 17, 36, True)
    assert fix in found.fix


def test_loss_of_ones_own_that_counts_padding_is_told_without_a_proof():
    def mean(targets, outputs):
        return keras.ops.mean(keras.ops.sparse_categorical_crossentropy(targets, outputs, from_logits=True))

    (found,) = told(dataset(1), tagger(), mean)
    assert not found.verified


@pytest.mark.parametrize(
    ("data", "model", "compared"),
    [
        (dataset(0, -1), tagger(), loss(ignore_class=-1)),
        (dataset(1), tagger(), loss(ignore_class=0)),
        (dataset(0), tagger(masks=True), loss()),
        (dataset(0, weighed=True), tagger(), loss()),
    ],
    ids=["another value", "ignore_class", "a mask", "weights"],
)
def test_padding_that_is_left_out_raises_no_alarm(data, model, compared):
    assert told(data, model, compared) == []
