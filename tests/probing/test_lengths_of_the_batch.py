"""Lengths by which rows are divided: of each row, and of the whole batch, in models that compare samples."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import shapewidget


class Retrieval(nn.Module):
    """Every sample against every other."""

    def __init__(self, scaled):
        super().__init__()
        self.head, self.scaled = nn.Linear(12, 6), scaled

    def forward(self, queries, documents):
        return self.scaled(self.head(queries)) @ self.scaled(self.head(documents)).T / 0.1


def told(model, *inputs):
    targets = torch.arange(8) % 6
    report = shapewidget.probe(model, inputs, targets=targets, loss=nn.CrossEntropyLoss())
    return [each for each in report.findings if each.severity != "note"]


def by_norm(x):
    return x / x.norm()


def by_squares(x):
    return x * torch.rsqrt(x.square().sum() + 1e-12)


@pytest.mark.parametrize("scaled", [by_norm, by_squares])
def test_a_length_of_the_whole_batch_is_told_where_samples_are_compared(scaled):
    found = told(Retrieval(scaled), torch.randn(8, 12), torch.randn(8, 12))
    assert {each.code for each in found} == {"SW603"}
    assert found[0].verified


@pytest.mark.parametrize("scaled", [lambda x: F.normalize(x, dim=-1), lambda x: x / x.norm(dim=1, keepdim=True)])
def test_a_length_of_each_row_is_right(scaled):
    assert told(Retrieval(scaled), torch.randn(8, 12), torch.randn(8, 12)) == []


def test_the_sum_of_all_values_is_no_length():
    assert told(Retrieval(lambda x: x * x.abs().sum().rsqrt()), torch.randn(8, 12), torch.randn(8, 12)) == []
