"""States that are kept from batch to batch, and the order in which a loader gives the pieces."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import shapewidget

SIGNAL = np.random.default_rng(0).normal(size=(241, 2)).astype("float32")
IDS = np.random.default_rng(0).integers(1, 50, 241)
SQUARED = keras.losses.MeanSquaredError()
BESIDE = np.arange(24).reshape(4, 6).T.ravel()


def pieces(values, order, *, every_step=False):
    inputs = values[:240].reshape(24, 10, *values.shape[1:])
    targets = values[1:].reshape(inputs.shape) if every_step else values[10::10]
    return tf.data.Dataset.from_tensor_slices((inputs[order], targets[order]))


def forecaster(stateful=True):
    return keras.Sequential(
        [keras.Input(batch_shape=(4, 10, 2)), layers.GRU(8, stateful=stateful, name="gru"), layers.Dense(2)]
    )


def writer():
    read = layers.LSTM(8, stateful=True, return_sequences=True)
    return keras.Sequential([keras.Input(batch_shape=(4, 10)), layers.Embedding(50, 6), read, layers.Dense(50)])


def told(dataset, model, loss=SQUARED):
    report = shapewidget.check_loader(dataset, model=model, loss=loss)
    return [each for each in report.findings if each.severity != "note"]


def test_pieces_that_follow_one_another_in_a_batch_are_told():
    (found,) = told(pieces(SIGNAL, np.arange(24)).batch(4), forecaster())
    assert (found.code, found.layer, found.expected, found.got) == ("SW750", "gru", 1, 4)


def test_a_single_column_of_the_inputs_may_be_foretold():
    data = pieces(SIGNAL, np.arange(24)).map(lambda x, y: (x, y[1:])).batch(4)
    assert [each.code for each in told(data, forecaster())] == ["SW750"]


def test_ids_one_step_on_end_with_what_the_next_piece_begins_with():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    ordered, beside = (pieces(IDS, order, every_step=True).batch(4) for order in (np.arange(24), BESIDE))
    assert [each.code for each in told(ordered, writer(), loss)] == ["SW750"]
    assert told(beside, writer(), loss) == []


def test_shuffled_pieces_are_told():
    (found,) = told(pieces(SIGNAL, BESIDE).shuffle(24).batch(4), forecaster())
    assert (found.code, found.got) == ("SW750", "any sample")


@pytest.mark.parametrize("stateful", [True, False])
def test_pieces_beside_one_another_and_models_without_a_kept_state_are_right(stateful):
    order = BESIDE if stateful else np.arange(24)
    assert told(pieces(SIGNAL, order).batch(4), forecaster(stateful)) == []
