"""One-hot labels made along the axis of the samples."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import shapewidget

ROWS, CLASSES = torch.randn(23, 6), torch.arange(23) * 7 % 5


def turned(samples):
    rows, classes = zip(*samples, strict=True)
    return torch.stack(rows), nn.functional.one_hot(torch.stack(classes), 5).float().T


def upright(samples):
    rows, labels = turned(samples)
    return rows, labels.T


def serious(report):
    return [finding for finding in report.findings if finding.severity != "note"]


def loader(collate, size, classes=CLASSES):
    return DataLoader(TensorDataset(ROWS, classes), batch_size=size, collate_fn=collate)


@pytest.mark.parametrize("size", [4, 5, 8])
def test_labels_that_are_one_hot_along_the_samples_are_told_once(size):
    (found,) = serious(
        shapewidget.check_loader(loader(turned, size), model=nn.Linear(6, 5), loss=nn.CrossEntropyLoss())
    )
    assert (found.code, found.expected, found.got, found.verified) == ("SW736", (size, 5), (5, size), True)


@pytest.mark.parametrize("size", [4, 5, 8])
def test_labels_that_are_one_hot_for_each_sample_are_clean(size):
    report = shapewidget.check_loader(loader(upright, size), model=nn.Linear(6, 5), loss=nn.CrossEntropyLoss())
    assert serious(report) == []


@pytest.mark.parametrize("labels", [torch.eye(5), torch.ones(5, 5), torch.zeros(5, 5), torch.rand(5, 5)])
def test_other_square_labels_are_clean(labels):
    batches = [(torch.randn(5, 6), labels)] * 3
    report = shapewidget.check_loader(batches, model=nn.Linear(6, 5), loss=nn.BCEWithLogitsLoss())
    assert serious(report) == []


@pytest.mark.parametrize(("axis", "codes"), [(0, ["SW736"]), (-1, [])])
def test_labels_of_a_dataset_are_told(axis, codes):
    data = tf.data.Dataset.from_tensor_slices((ROWS.numpy(), CLASSES.numpy())).batch(5)
    data = data.map(lambda row, label: (row, tf.one_hot(label, 5, axis=axis)))
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5)])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    found = serious(shapewidget.check_loader(data, model=model, loss=loss))
    assert [each.code for each in found] == codes
    assert all(each.verified for each in found)


def test_several_right_labels_of_a_sample_are_clean():
    labels = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0]], dtype="float32")
    again = np.array([[1, 0, 0], [1, 0, 1], [0, 0, 0]], dtype="float32")
    batches = [(torch.randn(3, 6), torch.from_numpy(each)) for each in (labels, again)]
    assert serious(shapewidget.check_loader(batches, model=nn.Linear(6, 3), loss=nn.BCEWithLogitsLoss())) == []
