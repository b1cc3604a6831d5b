"""Time and memory of Keras models, on copies; what TensorFlow does not tell is called an estimate."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras_fingerprint import fingerprint

import shapewidget

X = np.random.default_rng(0).normal(size=(8, 6, 3)).astype("float32")
Y = np.zeros(8, "int32")
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def reader(**compiled):
    model = keras.Sequential([keras.Input((None, 3)), layers.GRU(4), layers.Dropout(0.5), layers.Dense(2)])
    if compiled:
        model.compile(**compiled)
    return model


def costs(model, **given):
    return shapewidget.probe(model, X, targets=Y, loss=LOSS, **given).session.costs


class Stubborn(keras.Model):
    def __init__(self):
        super().__init__()
        self.head = layers.Dense(2)

    def call(self, x, training=False):
        if training:
            raise ValueError("not today")
        return self.head(x)


def test_step_and_forward_pass_are_timed_and_memory_is_an_estimate_on_a_cpu():
    point = costs(reader()).measure({})
    assert point.refusal == ""
    assert point.forward.repeats >= 3 <= point.step.repeats
    assert point.memory.is_estimate
    assert point.memory.how.startswith("Estimated, as TensorFlow tells no peak on a CPU")
    assert point.memory.how.endswith("optimiser Adam, loss SparseCategoricalCrossentropy.")


def test_step_is_told_in_its_parts():
    point = costs(reader()).measure({})
    assert [part.repeats >= 3 for part in point.parts] == [True] * 3
    assert point.parts.forward.median > 0


def test_a_step_of_the_users_own_is_measured_and_trains_a_copy():
    handed = []

    def clipped(model, inputs, targets, optimizer):
        handed.append(model)
        with tf.GradientTape() as tape:
            loss = LOSS(targets, model(inputs, training=True))
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, model.trainable_variables), 1.0)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    model = reader()
    before = fingerprint(model)
    point = costs(model, step=clipped).measure({})
    assert point.refusal == ""
    assert point.step.repeats >= 3
    assert point.parts is None
    assert point.memory.how.endswith("optimiser Adam, a step made by clipped.")
    assert handed
    assert all(it is not model for it in handed)
    assert fingerprint(model) == before


def test_a_step_that_raises_says_how_it_is_called():
    def wrong(model, inputs, targets, optimizer):
        raise KeyError("no such loss")

    point = costs(reader(), step=wrong).measure({})
    assert point.step is None
    assert "a step as step(model, inputs, targets, optimizer)" in point.refusal


def test_memory_is_told_in_its_parts():
    model = reader()
    memory = costs(model).measure({}).memory
    weights = 4 * model.count_params()
    assert memory.gradients == memory.parameters == weights
    assert memory.optimizer_state == pytest.approx(2 * weights, abs=64)
    assert memory.inputs == X.nbytes + Y.nbytes
    assert memory.activations > memory.inputs


def test_larger_batch_keeps_more_for_the_backward_pass():
    known = costs(reader())
    small, large = (known.measure({"B": size}).memory for size in (4, 8))
    assert large.activations > 1.8 * small.activations
    assert large.parameters == small.parameters


def test_measuring_leaves_a_trained_model_as_found():
    model = reader(optimizer="sgd", loss=LOSS)
    model.fit(X, Y, verbose=0)
    known = costs(model)
    before = fingerprint(model)
    point = known.measure({})
    assert fingerprint(model) == before
    assert "optimiser SGD" in point.memory.how


@pytest.mark.parametrize(
    "optimizer", [keras.optimizers.RMSprop(0.1), keras.optimizers.RMSprop, lambda weights: keras.optimizers.RMSprop()]
)
def test_optimizer_may_be_given_as_one_or_as_what_makes_one(optimizer):
    assert "optimiser RMSprop" in costs(reader(), optimizer=optimizer).measure({}).memory.how


def test_what_is_no_optimizer_is_told():
    point = costs(reader(), optimizer=lambda weights: len(weights)).measure({})
    assert "optimizer= gave a int, expected an optimiser of Keras" in point.refusal
    assert point.forward is not None


def test_training_step_that_raises_leaves_the_forward_pass():
    session = shapewidget.probe(Stubborn(), X).session
    point = session.costs.measure({})
    assert (point.forward is not None, point.step) == (True, None)
    assert point.refusal.startswith("The training step raised ValueError: not today.")


def test_model_without_weights_has_no_training_step():
    session = shapewidget.probe(keras.Sequential([keras.Input((6, 3)), layers.Flatten()]), X).session
    assert "no trainable weights" in session.costs.measure({}).refusal


class Halves(layers.Layer):
    def __init__(self):
        super().__init__()
        self.wide, self.narrow = layers.Dense(64), layers.Dense(2)

    def call(self, x):
        return self.narrow(self.wide(x))


class Twice(keras.Model):
    """Its layers are built when it is first called."""

    def __init__(self):
        super().__init__()
        self.halves, self.head = Halves(), keras.Sequential([layers.Dense(3), layers.Dense(2)])

    def call(self, x):
        return self.head(self.halves(self.halves(x)))


def test_every_layer_tells_what_it_costs_under_its_id_in_the_graph():
    report = shapewidget.probe(Twice(), np.zeros((4, 2), "float32"))
    point = report.session.costs.measure({})
    costs = point.layers
    ids = {layer.id for layer in report.graph.layers}
    assert {"halves", "halves.wide", "halves#2.narrow", "head"} <= costs.keys() <= ids
    assert costs["halves"].memory == costs["halves.wide"].memory + costs["halves.narrow"].memory
    assert costs["halves.wide"].memory > costs["halves.narrow"].memory > 0
    assert all(cost.time > 0 for cost in costs.values())
    assert costs["halves"].time + costs["halves#2"].time + costs["head"].time < point.forward.median
