"""What a collate function measures: over the batch that it makes, or of each sample by itself."""

import pytest
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, TensorDataset

import shapewidget

DATA = TensorDataset(torch.randn(20, 6), torch.arange(20) % 3)


def stacked(rows):
    inputs, labels = zip(*rows, strict=True)
    return torch.stack(inputs), torch.stack(labels)


def standardised(rows):
    x, y = stacked(rows)
    return (x - x.mean(0)) / x.std(0), y


def by_the_largest(rows):
    x, y = stacked(rows)
    return x / x.abs().max(), y


def of_each_sample(rows):
    x, y = stacked(rows)
    return (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True), y


def by_what_is_known(rows):
    x, y = stacked(rows)
    return (x - 0.1) / 2, y


def drawn(rows):
    x, y = stacked(rows)
    return x + torch.randn(()) * x.mean(), y


def padded(rows):
    inputs, labels = zip(*rows, strict=True)
    return pad_sequence([x[: 2 + int(y)] for x, y in zip(inputs, labels, strict=True)], True), torch.stack(labels)


def told(collate):
    state = torch.get_rng_state()
    report = shapewidget.check_loader(DataLoader(DATA, batch_size=5, collate_fn=collate))
    assert torch.equal(torch.get_rng_state(), state)
    return [each for each in report.findings if each.severity != "note"]


@pytest.mark.parametrize("collate", [standardised, by_the_largest])
def test_what_is_measured_over_a_batch_is_told(collate):
    (found,) = told(collate)
    assert (found.code, found.op) == ("SW717", "collate_fn")
    assert f"`{collate.__name__}` makes the batch, of 5 samples" in found.reason


@pytest.mark.parametrize("collate", [None, stacked, of_each_sample, by_what_is_known, drawn, padded])
def test_what_is_measured_of_each_sample_is_right(collate):
    assert told(collate) == []
