"""Products of two layers along the features, and along an axis of one."""

import keras
import numpy as np
import pytest
from keras import layers

import shapewidget

PAIRS = np.random.default_rng(0).integers(0, 40, (8, 2))


def told(axes, *, normalize=False, steps=1):
    pair = keras.Input((2 * steps,), dtype="int32")
    user = layers.Embedding(40, 6)(pair[:, :steps])
    film = layers.Embedding(40, 6)(pair[:, steps:])
    x = layers.Dot(axes=axes, normalize=normalize, name="affinity")([user, film])
    model = keras.Model(pair, layers.Dense(1)(layers.Flatten()(x)))
    report = shapewidget.probe(model, np.tile(PAIRS, (1, steps)))
    return [each for each in report.findings if each.severity != "note"]


@pytest.mark.parametrize("axes", [1, (1, 1), -2])
def test_a_product_along_the_axis_of_one_id_is_told_with_that_along_the_features(axes):
    (found,) = told(axes)
    assert (found.code, found.layer, found.expected, found.got, found.verified) == ("SW676", "affinity", 6, 1, True)


@pytest.mark.parametrize(("axes", "steps"), [(2, 1), (-1, 1), (1, 3), (2, 3)])
def test_products_along_features_and_along_steps_are_right(axes, steps):
    assert told(axes, steps=steps) == []
