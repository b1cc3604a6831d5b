"""Averages over a pass: what they are divided by, and how many samples the pass gave."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import shapewidget

SIZE = 8


def loader(samples=44):
    return DataLoader(TensorDataset(torch.randn(samples, 4), torch.zeros(samples)), batch_size=SIZE)


def in_the_division(model, batches):
    hits = 0
    for x, y in batches:
        hits += (model(x)[:, 0] > y).sum()
    return hits / (len(batches) * SIZE)


def by_a_name(model, batches):
    hits = 0
    for x, y in batches:
        hits += (model(x)[:, 0] > y).sum()
    count = batches.batch_size * len(batches)
    return hits / count


def by_batches(model, batches):
    total = 0.0
    for x, y in batches:
        total += (model(x)[:, 0] - y).square().mean()
    return total / len(batches)


def by_samples(model, batches):
    hits, steps = 0, len(batches) * SIZE
    for x, y in batches:
        hits += (model(x)[:, 0] > y).sum()
    return hits / len(batches.dataset), steps


def by_another(model, batches):
    others, hits = loader(20), 0
    for x, y in batches:
        hits += (model(x)[:, 0] > y).sum()
    return hits / (len(others) * SIZE)


def told(run, batches):
    with shapewidget.capture() as report:
        run(nn.Linear(4, 1), batches)
    return [each for each in report.findings if each.severity != "note"]


@pytest.mark.parametrize("run", [in_the_division, by_a_name])
def test_as_many_samples_as_full_batches_would_hold_are_too_many(run):
    (found,) = told(run, loader())
    assert (found.code, found.expected, found.got) == ("SW760", 44, 48)
    assert "len(batches.dataset)" in found.fix
    assert "1.09 times too small" in found.reason


@pytest.mark.parametrize("run", [in_the_division, by_a_name])
def test_full_batches_are_counted_right(run):
    assert told(run, loader(48)) == []


@pytest.mark.parametrize("run", [by_batches, by_samples, by_another])
def test_other_divisors_are_left_alone(run):
    assert told(run, loader()) == []
