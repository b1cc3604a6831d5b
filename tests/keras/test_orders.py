"""Pipelines and batches by number whose order is wrong although every batch is right."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from loader_reports import codes, only

import shapewidget

pytestmark = pytest.mark.filterwarnings("ignore")
"""Keras warns of data that ends, and of shuffling what it cannot shuffle."""

X, Y = np.random.default_rng(0).normal(size=(50, 4)).astype("float32"), np.arange(50) % 3
INPUTS, LABELS = tf.data.Dataset.from_tensor_slices(X), tf.data.Dataset.from_tensor_slices(Y)
BOTH = tf.data.Dataset.from_tensor_slices((X, Y))


def zipped(*streams):
    return tf.data.Dataset.zip(streams)


def noisy(x, y):
    return x + tf.random.normal((4,)), y


def windows():
    steps = tf.data.Dataset.range(40).window(5, drop_remainder=True).flat_map(lambda each: each.batch(5))
    return steps.shuffle(40).batch(4)


WRONG = {
    "inputs and labels shuffled": (zipped(INPUTS.shuffle(50), LABELS.shuffle(50)).batch(8), "SW725"),
    "inputs shuffled": (zipped(INPUTS.shuffle(50).batch(8), LABELS.batch(8)), "SW725"),
    "split of what is shuffled": (BOTH.shuffle(50).skip(40).batch(5), "SW728"),
    "part of what is shuffled": (BOTH.shuffle(50).shard(2, 0).batch(5), "SW743"),
    "cache of what is shuffled": (BOTH.shuffle(50).cache().batch(5), "SW729"),
    "cache of what is augmented": (BOTH.map(noisy).cache().shuffle(50).batch(5), "SW729"),
    "batches shuffled": (BOTH.batch(5).shuffle(10).prefetch(1), "SW730"),
}


@pytest.mark.parametrize(("dataset", "code"), WRONG.values(), ids=WRONG)
def test_pipeline_in_the_wrong_order_is_found_and_run_in_the_right_one(dataset, code, request):
    report = shapewidget.check_loader(dataset)
    assert codes(report) == [code]
    assert report.findings[0].verified == ("inputs shuffled" not in request.node.callspec.id)


@pytest.mark.parametrize("again", [True, False])
def test_one_shuffle_that_two_streams_read_draws_an_order_for_each_of_them(again):
    names = tf.data.Dataset.range(40).shuffle(40, seed=3, reshuffle_each_iteration=again)
    dataset = zipped(names.map(lambda k: tf.fill((3,), k)), names.map(lambda k: k % 4)).batch(8)
    assert codes(shapewidget.check_loader(dataset)) == (["SW725"] if again else [])


def test_order_that_cannot_be_made_again_is_told_without_a_proof():
    grouped = BOTH.interleave(lambda x, y: tf.data.Dataset.from_tensors((x, y)), cycle_length=1)
    (found,) = shapewidget.check_loader(grouped.shuffle(50).skip(40)).findings
    assert (found.code, found.verified) == ("SW728", False)


RIGHT = {
    "one seed": zipped(INPUTS.shuffle(50, seed=3), LABELS.shuffle(50, seed=3)).batch(8),
    "zip, then shuffle": zipped(INPUTS, LABELS).shuffle(50).batch(8),
    "two draws of pairs": zipped(BOTH.shuffle(50).batch(8), BOTH.shuffle(50).batch(8)),
    "inputs of two kinds": zipped(INPUTS.shuffle(50), INPUTS.shuffle(50)).batch(8),
    "split of a kept order": BOTH.shuffle(50, reshuffle_each_iteration=False).skip(40).batch(5),
    "split, then shuffle": BOTH.skip(40).shuffle(10).batch(5),
    "split of a cache": BOTH.shuffle(50).cache().skip(40).batch(5),
    "cache, then shuffle": BOTH.cache().shuffle(50).batch(5),
    "cache, then augment": BOTH.cache().map(noisy).batch(5),
    "samples and batches shuffled": BOTH.shuffle(50).batch(5).shuffle(10),
    "part, then shuffle": BOTH.shard(2, 0).shuffle(25).batch(5),
    "part of one order": BOTH.shuffle(50, seed=3).shard(2, 1).batch(5),
    "windows": windows(),
}


@pytest.mark.parametrize("dataset", RIGHT.values(), ids=RIGHT)
def test_pipeline_in_the_right_order_is_clean(dataset):
    assert codes(shapewidget.check_loader(dataset)) == []


def model():
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    made.compile("sgd", "mse")
    return made


def fitted(dataset):
    with shapewidget.capture() as report:
        model().fit(dataset, epochs=2, verbose=0)
    return report


def test_targets_of_any_form_that_are_shuffled_by_themselves_are_found_where_a_loss_compares_them():
    dataset = zipped(INPUTS.shuffle(50), INPUTS.shuffle(50)).batch(8)
    compared = shapewidget.check_loader(dataset, model=model(), loss=keras.losses.MeanSquaredError())
    assert codes(compared) == ["SW725"]
    assert codes(fitted(dataset)) == ["SW725"]
    assert codes(fitted(zipped(INPUTS, INPUTS).shuffle(50).batch(8))) == []


def test_zip_with_a_shorter_stream_is_found_in_a_captured_fit():
    found = only(fitted(zipped(INPUTS, INPUTS.take(20)).batch(5)))
    assert (found.code, found.expected, found.got, found.verified) == ("SW721", 50, 20, True)


class Batches(keras.utils.PyDataset):
    """Batches of 10 out of 35 samples, made from their names."""

    def __init__(self, rounded, shuffles=False):
        super().__init__()
        self.names, self.labels, self.size = list(range(35)), {name: name % 4 for name in range(35)}, 10
        self.rounded, self.shuffles = rounded, shuffles

    def __len__(self):
        return int(self.rounded(35 / 10))

    def __getitem__(self, number):
        names = self.names[10 * number : 10 * number + 10]
        return np.stack([X[name] for name in names]), np.array([self.labels[name] for name in names])

    def on_epoch_end(self):
        if self.shuffles:
            self.names = [self.names[place] for place in np.random.default_rng(0).permutation(35)]


def test_length_that_is_rounded_down_leaves_the_same_samples_out():
    found = only(shapewidget.check_loader(Batches(np.floor)))
    assert (found.code, found.expected, found.got, found.verified) == ("SW703", 35, 30, True)
    assert "math.ceil(35 / 10)" in found.fix


def test_length_that_is_rounded_up_or_leaves_others_out_in_each_pass_is_clean():
    assert codes(shapewidget.check_loader(Batches(np.ceil))) == []
    assert codes(shapewidget.check_loader(Batches(np.floor, shuffles=True))) == []
