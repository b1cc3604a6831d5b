"""Gradient accumulation with `tf.GradientTape`: wrong ones with the size of the effect, and many right ones."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import shapewidget

WINDOW = 4


class Training:
    """A model, batches of 8 samples, and an optimiser."""

    def __init__(self, batches=12, rest=0):
        keras.utils.set_random_seed(0)
        samples = batches * 8 + rest
        x = np.random.default_rng(0).normal(size=(samples, 5)).astype("float32")
        y = np.arange(samples, dtype="int64") % 3
        self.data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(64, seed=0).batch(8)
        self.model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
        self.mean = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.optimizer = keras.optimizers.SGD(0.1)
        self.clear()

    @property
    def weights(self):
        return self.model.trainable_variables

    @property
    def batches(self):
        """Every batch, and whether a window ends with it."""
        return ((x, y, count % WINDOW == 0) for count, (x, y) in enumerate(self.data, 1))

    def clear(self):
        self.sums = [tf.zeros(variable.shape) for variable in self.weights]

    def gradients(self, x, y, scale=1.0):
        with tf.GradientTape() as tape:
            loss = self.mean(y, self.model(x, training=True)) * scale
        return tape.gradient(loss, self.weights)

    def add(self, gradients):
        self.sums = [one + other for one, other in zip(self.sums, gradients, strict=True)]

    def step(self):
        self.optimizer.apply_gradients(zip(self.sums, self.weights, strict=True))


def serious(report):
    return [finding for finding in report.findings if finding.severity != "note"]


def captured(run, *arguments, **settings):
    training = Training(*arguments, **settings)
    with shapewidget.capture() as report:
        run(training)
    return report


# -- wrong ------------------------------------------------------------------------------------------------------------


def not_divided(training):
    for x, y, is_full in training.batches:
        training.add(training.gradients(x, y))
        if is_full:
            training.step()
            training.clear()


def divided_in_the_loss_and_before_the_step(training):
    for x, y, is_full in training.batches:
        training.add(training.gradients(x, y, 1 / WINDOW))
        if is_full:
            training.sums = [each / WINDOW for each in training.sums]
            training.step()
            training.clear()


def divided_for_an_optimizer_that_divides(training):
    training.optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=WINDOW)
    for x, y, _ in training.batches:
        training.sums = training.gradients(x, y, 1 / WINDOW)
        training.step()


def last_gradients_alone(training):
    for x, y, is_full in training.batches:
        training.sums = training.gradients(x, y, 1 / WINDOW)
        if is_full:
            training.step()


def never_cleared(training):
    for x, y, is_full in training.batches:
        training.add(training.gradients(x, y, 1 / WINDOW))
        if is_full:
            training.step()


def window_beyond_the_epoch(training):
    for count, (x, y) in enumerate(training.data, 1):
        training.add(training.gradients(x, y, 1 / 16))
        if count % 16 == 0:
            training.step()


def joined_and_divided(training):
    kept = []
    for x, y, is_full in training.batches:
        kept.append((x, y))
        if is_full:
            training.sums = training.gradients(*(tf.concat(part, 0) for part in zip(*kept, strict=True)), 1 / WINDOW)
            training.step()
            kept = []


def last_batch_alone(training):
    for x, y, is_full in training.batches:
        if is_full:
            training.sums = training.gradients(x, y, 1 / WINDOW)
            training.step()


class Accumulating(keras.Model):
    """Adds gradients up in variables, as a `train_step` of one's own does."""

    def __init__(self, share):
        super().__init__()
        self.dense, self.share = keras.layers.Dense(3), share
        self.sums = []

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True)) * self.share
        gradients = tape.gradient(loss, self.trainable_variables)
        self.sums = self.sums or [tf.Variable(tf.zeros_like(each)) for each in gradients]
        for one, other in zip(self.sums, gradients, strict=True):
            one.assign_add(other)
        self.count = getattr(self, "count", 0) + 1
        if self.count % WINDOW == 0:
            self.optimizer.apply_gradients(zip(self.sums, self.trainable_variables, strict=True))
            for each in self.sums:
                each.assign(tf.zeros_like(each))
        return {"loss": loss}


def train_step_that_does_not_divide(training, share=1.0):
    model = Accumulating(share)
    model.compile(optimizer="sgd", loss=training.mean)
    model.fit(training.data, epochs=1, shuffle=False, verbose=0)


WRONG = {
    not_divided: ("SW752", "the gradient is 4 times that of their mean"),
    divided_in_the_loss_and_before_the_step: ("SW751", "the gradient is 4 times too small"),
    divided_for_an_optimizer_that_divides: ("SW751", "the gradient is 4 times too small"),
    last_gradients_alone: ("SW754", "the gradients of the other 3 are thrown away"),
    never_cleared: ("SW755", "the optimiser made 3 steps, and the last one used the sum"),
    window_beyond_the_epoch: ("SW756", "for a step every 16 batches, and an epoch has 12"),
    joined_and_divided: ("SW751", "the gradient is 4 times too small"),
    last_batch_alone: ("SW753", "the other 3 are not learned from"),
    train_step_that_does_not_divide: ("SW752", "the gradient is 4 times that of their mean"),
}


@pytest.mark.parametrize("run", WRONG)
def test_accumulation_on_a_tape_that_is_wrong_is_found_with_its_effect(run):
    (found,) = serious(captured(run))
    where = "loader" if run is window_beyond_the_epoch else "loss"
    assert (found.code, found.where, found.layer) == (WRONG[run][0], where, "gradient")
    assert WRONG[run][1] in found.reason
    assert "zero_grad" not in found.fix
    assert found.source.label == "test_accumulation.py"
    assert "tape.gradient(" in found.source.text


# -- right ------------------------------------------------------------------------------------------------------------


def one_step_a_batch(training):
    for x, y, _ in training.batches:
        training.sums = training.gradients(x, y)
        training.step()


def divided_once(training):
    for x, y, is_full in training.batches:
        training.add(training.gradients(x, y, 1 / WINDOW))
        if is_full:
            training.step()
            training.clear()


def divided_before_the_step(training):
    for x, y, is_full in training.batches:
        training.add(training.gradients(x, y))
        if is_full:
            training.sums = [each / WINDOW for each in training.sums]
            training.step()
            training.clear()


def clipped(training):
    for x, y, is_full in training.batches:
        training.add(training.gradients(x, y))
        if is_full:
            training.sums, _ = tf.clip_by_global_norm(training.sums, 0.01)
            training.step()
            training.clear()


def added_up_by_the_optimizer(training):
    training.optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=WINDOW)
    one_step_a_batch(training)


def two_losses_for_a_batch(training):
    for x, y, _ in training.batches:
        training.clear()
        training.add(training.gradients(x, y))
        training.add(training.gradients(-x, y, 0.5))
        training.step()


def a_sum_divided_by_the_samples(training):
    per_sample = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    training.mean = lambda y, outputs: tf.reduce_sum(per_sample(y, outputs)) / (WINDOW * 8)
    not_divided(training)


def a_function_of_a_mean(training):
    training.mean = lambda y, outputs: tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, outputs, True))
    divided_once(training)


def loss_with_a_penalty(training):
    own = training.mean
    training.mean = lambda y, outputs: own(y, outputs) + 0.01 * tf.reduce_sum(training.weights[0] ** 2)
    divided_once(training)


def fitted(training):
    training.model.compile(optimizer="adam", loss=training.mean, metrics=["accuracy"])
    training.model.fit(training.data, validation_data=training.data, epochs=2, shuffle=False, verbose=0)


def train_step_that_divides(training):
    train_step_that_does_not_divide(training, 1 / WINDOW)


def two_models_that_take_turns(training):
    """A generator and a critic, whose steps are taken by one function."""
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(5)])
    other = keras.optimizers.SGD(0.1)

    def step(optimizer, weights, loss):
        with tf.GradientTape() as tape:
            value = loss()
        optimizer.apply_gradients(zip(tape.gradient(value, weights), weights, strict=True))

    noise, critic = tf.random.normal((8, 2)), training.model
    for x, _, _ in itertools.islice(training.batches, 12):
        step(other, generator.trainable_variables, lambda: -tf.reduce_mean(critic(generator(noise))))
        step(training.optimizer, training.weights, lambda x=x: tf.reduce_mean(critic(generator(noise)) - critic(x)))


RIGHT = [
    one_step_a_batch,
    divided_once,
    divided_before_the_step,
    clipped,
    added_up_by_the_optimizer,
    two_losses_for_a_batch,
    a_sum_divided_by_the_samples,
    a_function_of_a_mean,
    loss_with_a_penalty,
    fitted,
    train_step_that_divides,
    two_models_that_take_turns,
]


@pytest.mark.parametrize("run", RIGHT)
@pytest.mark.parametrize("batches", [12, 14])
def test_accumulation_on_a_tape_that_is_right_is_clean(run, batches):
    assert serious(captured(run, batches, rest=3)) == []


def test_batches_that_no_step_on_a_tape_comes_behind_are_noted():
    (note,) = [finding for finding in captured(divided_once, 14).findings if finding.code == "SW757"]
    assert (note.expected, note.got) == ("4 batches", "2 batches")
    assert "No step comes behind them" in note.reason


def test_last_window_on_a_tape_that_is_divided_by_the_full_count_is_noted():
    def stepped_at_the_end(training):
        divided_once(training)
        training.step()

    (note,) = [finding for finding in captured(stepped_at_the_end, 14).findings if finding.code == "SW757"]
    assert "the gradient of that step is 2.0 times too small" in note.reason
