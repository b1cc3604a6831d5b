"""Functions of `tf.data` that take samples, and are given batches."""

import numpy as np
import pytest
import tensorflow as tf

import shapewidget

PICTURES = np.random.default_rng(0).random((12, 10, 10, 3), dtype="float32")


def cropped(picture, label):
    return tf.image.random_crop(picture, size=(8, 8, 3)), label


def misread(picture, label):
    return tf.reshape(picture, (7, 7)), label


def samples():
    return tf.data.Dataset.from_tensor_slices((PICTURES, np.arange(12)))


def told(make):
    with shapewidget.capture(reraise=False) as report:
        make()
    return report.findings


def test_a_step_for_samples_changes_its_place_with_the_batching():
    (found,) = told(lambda: samples().batch(4).map(cropped))
    assert (found.code, found.op, found.expected, found.got, found.verified) == ("SW748", "cropped", 3, 4, True)
    assert found.fix == "(found,) = told(lambda: samples().map(cropped).batch(4))"
    assert "(B, 10, 10, 3), which has 4 axes" in found.reason
    assert "of each of them `cropped` makes (8, 8, 3)" in found.reason


def test_another_stage_between_them_leaves_the_fix_in_words():
    (found,) = told(lambda: samples().batch(4).prefetch(1).map(cropped))
    assert (found.code, found.fix, found.patch, found.verified) == ("SW748", "map before batch", None, True)


@pytest.mark.parametrize("make", [lambda: samples().map(misread), lambda: samples().batch(4).map(misread)])
def test_a_function_that_takes_no_sample_either_is_wrong_itself(make):
    assert "SW748" not in [each.code for each in told(make)]
