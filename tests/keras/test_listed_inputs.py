"""Inputs that are handed to `tf.data` as a list."""

import numpy as np
import pytest
import tensorflow as tf

import shapewidget

USER, ITEM = (np.random.default_rng(place).random((40, 6), dtype="float32") for place in range(2))
BOUGHT = np.arange(40) % 2


def told(make):
    with shapewidget.capture(reraise=False) as report:
        make()
    return report.findings


def test_a_list_of_inputs_is_told_with_a_tuple():
    (found,) = told(lambda: tf.data.Dataset.from_tensor_slices(([USER, ITEM], BOUGHT)))
    assert (found.code, found.expected, found.got, found.verified) == ("SW713", 40, 2, True)
    assert found.fix.endswith("from_tensor_slices(((USER, ITEM), BOUGHT)))")
    assert "2 arrays of (40, 6) become (2, 40, 6)" in found.reason


def test_a_list_that_is_not_in_sight_is_told_in_words():
    inputs = [USER, ITEM]
    (found,) = told(lambda: tf.data.Dataset.from_tensor_slices(({"rows": inputs}, BOUGHT)))
    assert (found.fix, found.patch, found.verified) == ("a tuple of the inputs in place of the list", None, True)


@pytest.mark.parametrize("given", [([USER, ITEM[:30]], BOUGHT), ([USER, ITEM], BOUGHT[:30]), (USER, BOUGHT[:30])])
def test_arrays_of_other_lengths_are_not_mended_by_a_tuple(given):
    found = told(lambda: tf.data.Dataset.from_tensor_slices(given))
    assert not any("makes one tensor of a list" in each.reason for each in found)
