"""Programs of TensorFlow without a model of Keras: modules, and losses that are called with targets as they are."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import shapewidget
from shapewidget.diagnosis.findings import Severity


class Net(tf.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = tf.Variable(tf.ones((3, 8))), tf.Variable(tf.ones((8, 1)))

    def __call__(self, x):
        return tf.matmul(tf.nn.relu(tf.matmul(x, self.first)), self.last)


class ActorCritic(keras.Model):
    def __init__(self):
        super().__init__()
        self.actor, self.critic = layers.Dense(2), layers.Dense(1)

    def call(self, x):
        return self.actor(x), self.critic(x)


def distance(targets, outputs):
    return tf.reduce_mean(tf.abs(targets - outputs))


def policy(targets, outputs):
    (actions, returns), (scores, values) = targets, outputs
    advantage = returns - values
    surprise = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=actions, logits=scores)
    return tf.reduce_mean(surprise * tf.stop_gradient(advantage)) + tf.reduce_mean(tf.square(advantage))


X, Y = np.linspace(-1, 1, 48, dtype="float32").reshape(16, 3), np.linspace(0, 2, 16, dtype="float32")


def test_module_is_probed_with_its_loss_as_a_loop_calls_it():
    net = Net()
    report = shapewidget.probe(net, tf.constant(X), targets=tf.constant(Y), loss=distance)
    assert report.graph.title == "Net"
    [found] = report.findings
    assert (found.code, found.verified) == ("SW302", True)
    assert "[:, None] - outputs" in found.fix
    assert [variable.shape for variable in net.variables] == [(3, 8), (8, 1)]


def test_weights_of_a_module_are_told_from_data_in_captured_code():
    net = Net()
    with shapewidget.capture() as report:
        distance(tf.constant(Y), net(tf.constant(X)))
    [found] = report.findings
    assert (found.code, found.verified) == ("SW302", True)


def test_fix_leaves_no_pairs_further_on():
    model, actions = ActorCritic(), np.tile([0, 1], 8)
    with shapewidget.capture() as report:
        policy((actions, Y), model(tf.constant(X)))
    [found] = report.findings
    assert (found.code, found.verified) == ("SW302", True)
    assert "values[:, 0]" in found.fix


def test_function_is_given_class_ids_as_ids():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(4)])

    def surprise(targets, outputs):
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=outputs))

    report = shapewidget.probe(model, X, targets=np.tile([0, 1, 2, 3], 4), loss=surprise)
    assert not [each for each in report.findings if each.severity is not Severity.NOTE]


@pytest.mark.parametrize("axis", [0, 1])
def test_roll_along_a_named_axis_is_no_roll_of_everything(axis):
    with shapewidget.capture() as report:
        tf.roll(tf.constant(X), 1, axis)
    assert not report.findings
