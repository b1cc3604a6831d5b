"""Labels of a loader whose classes do not begin at 0."""

import keras
import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import shapewidget


def loader(labels):
    return DataLoader(TensorDataset(torch.randn(len(labels), 6), labels), batch_size=8)


def serious(report):
    return [finding for finding in report.findings if finding.severity != "note"]


@pytest.mark.parametrize(("first", "expected"), [(1, 0), (97, 0)])
@pytest.mark.parametrize("check", ["check_loader", "probe"])
def test_numbers_that_do_not_begin_at_zero_are_told_in_the_loader(first, expected, check):
    data, model, loss = loader(torch.arange(40) % 5 + first), nn.Linear(6, 5), nn.CrossEntropyLoss()
    if check == "probe":
        report = shapewidget.probe(model, loss=loss, loader=data)
    else:
        report = shapewidget.check_loader(data, model=model, loss=loss)
    (found,) = serious(report)
    assert (found.code, found.where, found.expected, found.got, found.verified) == ("SW739", "loader", 0, first, True)
    assert found.fix == f"labels - {first}"


@pytest.mark.parametrize("first", [0, 1, 97])
def test_columns_of_no_class_in_front_are_told(first):
    labels = keras.utils.to_categorical(np.arange(40) % 5 + first)
    batches = [(np.random.rand(8, 6).astype("float32"), labels[start : start + 8]) for start in range(0, 40, 8)]
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, activation="softmax")])
    found = serious(shapewidget.check_loader(batches, model=model, loss=keras.losses.CategoricalCrossentropy()))
    assert [(each.code, each.expected, each.got, each.verified) for each in found] == (
        [("SW739", 5, first + 5, True)] if first else []
    )


@pytest.mark.parametrize("labels", [torch.arange(40) % 6, torch.arange(40) % 7 + 1])
def test_classes_that_the_outputs_have_not_are_told_of_the_loss(labels):
    found = serious(shapewidget.check_loader(loader(labels), model=nn.Linear(6, 5), loss=nn.CrossEntropyLoss()))
    assert found
    assert "SW739" not in [each.code for each in found]


def test_batches_without_the_first_classes_are_clean():
    report = shapewidget.check_loader(
        loader(torch.arange(40) % 3 + 2), model=nn.Linear(6, 5), loss=nn.CrossEntropyLoss()
    )
    assert serious(report) == []
