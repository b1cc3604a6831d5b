"""The real batches of Keras training loops, as they are followed: `fit`, custom loops, compiled or not."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

import shapewidget
from shapewidget.probing.live import Live
from shapewidget.probing.session import Session

SHAPES = [((8, 4), (8, 1)), ((3, 4), (3, 1))]
"""Of the first batch, and of the last one, which differs."""


@pytest.fixture
def model():
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    made.compile(optimizer="sgd", loss="mse")
    return made


@pytest.fixture
def followed(model):
    live = Live()
    end = Session(model, np.zeros((2, 4), "float32")).follow(live.called)
    yield live
    end()


def data():
    return np.zeros((27, 4), "float32"), np.zeros((27, 1), "float32")


def dataset():
    return tf.data.Dataset.from_tensor_slices(data()).batch(8)


def shapes(live):
    """Of the first batch that was recorded, and of the first odd one."""
    return [tuple(part.spec.shape for part in record.parts) for record in (live.batches[0], live.odd)]


def fit_arrays(model):
    model.fit(*data(), batch_size=8, verbose=0)


def fit_dataset(model):
    model.fit(dataset(), shuffle=False, verbose=0)


def fit_again(model):
    for _ in range(2):
        fit_dataset(model)


@pytest.mark.parametrize("run", [fit_arrays, fit_dataset, fit_again])
def test_fit_is_followed_batch_by_batch(followed, model, run):
    run(model)
    assert shapes(followed) == SHAPES
    assert followed.odd.index == 3
    assert followed.count == (8 if run is fit_again else 4)


def test_fit_that_is_compiled_before_is_followed_from_its_next_epoch_on(model):
    fit_dataset(model)
    live = Live()
    end = Session(model, np.zeros((2, 4), "float32")).follow(live.called)
    fit_dataset(model)
    assert live.count == 4
    end()
    fit_dataset(model)
    assert live.count == 4


def test_fit_of_several_steps_at_once_is_followed(followed, model):
    model.compile(optimizer="sgd", loss="mse", steps_per_execution=3)
    fit_dataset(model)
    assert shapes(followed) == SHAPES


def test_fit_gives_the_same_history_while_it_is_followed(model):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(27, 4)).astype("float32"), rng.normal(size=(27, 1)).astype("float32")
    weights = model.get_weights()

    def history():
        keras.utils.set_random_seed(0)
        model.set_weights(weights)
        return model.fit(x, y, batch_size=8, epochs=3, validation_split=0.2, verbose=0).history

    plain = history()
    live = Live()
    end = Session(model, x[:2]).follow(live.called)
    assert history() == plain
    end()
    assert live.count == 9


def test_eager_loop_is_followed_by_what_the_model_is_called_with(followed, model):
    for x, y in dataset():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
        tape.gradient(loss, model.trainable_variables)
    assert followed.count == 4
    assert shapes(followed) == [(given,) for given, _ in SHAPES]


@pytest.mark.parametrize("is_traced_before", [False, True])
def test_compiled_loop_is_followed_by_what_its_step_is_called_with(model, is_traced_before):
    @tf.function(reduce_retracing=True)
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
        return tape.gradient(loss, model.trainable_variables)

    @tf.function
    def scaled(x):
        return x / 2

    if is_traced_before:
        for x, y in dataset():
            step(scaled(x), y)
    live = Live()
    end = Session(model, np.zeros((2, 4), "float32")).follow(live.called)
    for x, y in dataset():
        step(scaled(x), y)
    end()
    assert live.count == 4
    assert shapes(live) == SHAPES


def test_other_models_probes_and_captured_code_are_not_counted(followed, model):
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    other(np.zeros((5, 4), "float32"))
    shapewidget.probe(model, np.zeros((5, 4), "float32"))
    with shapewidget.capture():
        model(np.zeros((5, 4), "float32"))
    assert not followed.count


def test_what_is_followed_is_left_as_it_was(model):
    before = keras.Model.__call__, keras.Model.make_train_function, type(tf.function(len)).__call__
    session, live = Session(model, np.zeros((2, 4), "float32")), Live()
    fit_dataset(model)
    step = model.train_function
    ends = [session.follow(live.called), session.follow(live.called)]
    for end in reversed(ends):
        end()
    assert model.train_function is step
    assert before == (keras.Model.__call__, keras.Model.make_train_function, type(tf.function(len)).__call__)


def test_followers_of_one_model_end_in_any_order(model):
    fit_dataset(model)
    lives = [Live(), Live()]
    first, second = (Session(model, np.zeros((2, 4), "float32")).follow(live.called) for live in lives)
    fit_dataset(model)
    first()
    model.compile(optimizer="sgd", loss="mse")
    fit_dataset(model)
    second()
    fit_dataset(model)
    assert [live.count for live in lives] == [4, 8]


def test_steps_that_run_eagerly_are_followed_with_their_targets(followed, model):
    model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
    fit_dataset(model)
    assert followed.count == 4
    assert shapes(followed) == SHAPES


def test_what_follows_a_keras_model_does_not_keep_it():
    live, model = Live(), keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    end = Session(model, np.zeros((2, 4), "float32")).follow(live.called)
    model(np.zeros((2, 4), "float32"))
    assert live.count == 1
    gone = weakref.ref(model)
    del model
    keras.utils.clear_session()
    gc.collect()
    assert gone() is None
    end()
