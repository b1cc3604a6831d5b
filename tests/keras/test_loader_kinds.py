"""Pipelines of TensorFlow and batches of Keras by number are read as nested as they are."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import shapewidget

ROWS, SIZE = 23, 8
NESTED = {"ids": np.arange(5 * ROWS).reshape(ROWS, 5), "extra": (np.zeros((ROWS, 2)), {"more": np.ones((ROWS, 3))})}
LABELS = np.arange(ROWS) % 3


class ByNumber(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, number):
        rows = slice(number * SIZE, number * SIZE + SIZE)
        return tf.nest.map_structure(lambda array: array[rows], NESTED), LABELS[rows]


def samples():
    for place in range(ROWS):
        yield tf.nest.map_structure(lambda array, place=place: array[place], NESTED), LABELS[place]


def from_generator():
    inputs = tf.nest.map_structure(lambda array: tf.TensorSpec(array.shape[1:], array.dtype), NESTED)
    return tf.data.Dataset.from_generator(samples, output_signature=(inputs, tf.TensorSpec((), "int64"))).batch(SIZE)


KINDS = {
    "tensors": lambda: tf.data.Dataset.from_tensor_slices((NESTED, LABELS)).batch(SIZE),
    "shuffled and prefetched": lambda: (
        tf.data.Dataset.from_tensor_slices((NESTED, LABELS)).shuffle(9).batch(SIZE).prefetch(1)
    ),
    "generator": from_generator,
    "by number": ByNumber,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_loader_is_read_with_nested_batches(kind):
    report = shapewidget.check_loader(KINDS[kind]())
    assert [batch.size for batch in report.batches] == [8, 8, 7]
    assert report.ok
    shapes = sorted(part.spec.shape[1:] for part in report.batches[0].inputs)
    assert shapes == [(2,), (3,), (5,)]
    assert [part.spec.shape for part in report.batches[-1].targets] == [(7,)]
