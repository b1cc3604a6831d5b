"""Losses of Keras that are told that they get probabilities, and are given scores."""

import keras
import numpy as np
import pytest
from keras import layers

import shapewidget
from shapewidget.diagnosis.findings import Severity

ROWS = np.random.default_rng(0).normal(size=(12, 8)).astype("float32")
IDS = np.arange(12) % 5
HOT = np.eye(5, dtype="float32")[IDS]
YES = (np.arange(12) % 2).astype("float32")[:, None]


def found(units, activation, targets, loss):
    model = keras.Sequential([keras.Input((8,)), layers.Dense(units, activation=activation, name="last")])
    report = shapewidget.probe(model, ROWS, targets=targets, loss=loss)
    return [each for each in report.findings if each.severity is not Severity.NOTE]


@pytest.mark.parametrize(
    ("units", "targets", "loss", "fix"),
    [
        (5, IDS, keras.losses.SparseCategoricalCrossentropy(), "activation='softmax'"),
        (5, HOT, keras.losses.CategoricalCrossentropy(), "activation='softmax'"),
        (5, HOT, keras.losses.CategoricalFocalCrossentropy(), "activation='softmax'"),
        (5, HOT, keras.losses.KLDivergence(), "activation='softmax'"),
        (1, YES, keras.losses.BinaryCrossentropy(), "activation='sigmoid'"),
    ],
    ids=lambda it: getattr(it, "name", None),
)
def test_scores_are_told_with_an_activation_that_was_run(units, targets, loss, fix):
    (only,) = found(units, None, targets, loss)
    assert (only.code, only.where, only.verified) == ("SW310", "loss", True)
    assert fix in only.fix


@pytest.mark.parametrize(
    ("units", "activation", "targets", "loss"),
    [
        (5, "softmax", IDS, keras.losses.SparseCategoricalCrossentropy()),
        (5, None, IDS, keras.losses.SparseCategoricalCrossentropy(from_logits=True)),
        (5, None, HOT, keras.losses.CategoricalCrossentropy(from_logits=True)),
        (5, "sigmoid", HOT, keras.losses.CategoricalCrossentropy(label_smoothing=0.1)),
        (1, "sigmoid", YES * 0.9 + 0.05, keras.losses.BinaryCrossentropy()),
        (1, None, YES, keras.losses.MeanSquaredError()),
    ],
)
def test_losses_that_get_what_they_are_told_raise_no_alarm(units, activation, targets, loss):
    assert found(units, activation, targets, loss) == []


def test_targets_past_one_are_told():
    (only,) = found(1, "sigmoid", YES * 2, keras.losses.BinaryCrossentropy())
    assert (only.code, only.got) == ("SW310", "0 to 2")
