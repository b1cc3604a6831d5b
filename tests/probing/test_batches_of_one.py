"""Samples that are batches of one already, stacked to a batch with an axis too many."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import shapewidget


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.gru, self.head = nn.Embedding(30, 6), nn.GRU(6, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, ids):
        return self.head(self.gru(self.table(ids))[1][-1])


def told(ids, model):
    labels = torch.arange(len(ids)) % 3
    loader = DataLoader(TensorDataset(ids, labels), batch_size=4)
    report = shapewidget.check_loader(loader, model=model, loss=nn.CrossEntropyLoss())
    return [each for each in report.findings if each.severity != "note"]


def test_samples_are_taken_out_of_the_batches_of_one_that_they_are():
    (found,) = told(torch.randint(0, 30, (8, 1, 9)), Reader())
    assert (found.code, found.expected, found.got, found.verified) == ("SW708", 2, 3, True)
    assert "a batch of one already, (1, 9), and 4 of them are stacked to (4, 1, 9)" in found.reason


@pytest.mark.parametrize(
    ("inputs", "model"),
    [
        (torch.randint(0, 30, (8, 9)), Reader()),
        (torch.randn(8, 1, 6, 6), nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(64, 3))),
    ],
)
def test_an_axis_of_one_that_the_model_takes_is_right(inputs, model):
    assert told(inputs, model) == []


def test_another_width_is_told_as_that():
    found = told(torch.randn(8, 1, 6), nn.Sequential(nn.Flatten(), nn.Linear(5, 3)))
    assert [each.code for each in found] == ["SW101"]
