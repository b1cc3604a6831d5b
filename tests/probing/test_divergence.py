"""Distributions that a divergence compares: over the classes of a sample, or over the batch by mistake."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import shapewidget


def both_over_batch(given, taught):
    return F.kl_div(F.log_softmax(given, dim=0), F.softmax(taught, dim=0), reduction="batchmean")


def targets_over_batch(given, taught):
    return F.kl_div(F.log_softmax(given, dim=1), F.softmax(taught, dim=0), reduction="batchmean")


def over_classes(given, taught):
    return F.kl_div(F.log_softmax(given / 2, dim=1), F.softmax(taught / 2, dim=1), reduction="batchmean")


def alike_within_batch(given, taught):
    pairs = F.log_softmax(given @ given.T, dim=0)
    return F.kl_div(pairs, F.softmax(taught @ taught.T, dim=0), reduction="batchmean")


def list_ranked(given, taught):
    return F.kl_div(F.log_softmax(given[:, :1], dim=0), F.softmax(taught[:, :1], dim=0), reduction="sum")


def found(loss):
    report = shapewidget.probe(nn.Linear(8, 5), torch.randn(12, 8), targets=torch.randn(12, 5), loss=loss)
    return [each for each in report.findings if each.severity != "note"]


@pytest.mark.parametrize(("loss", "op"), [(both_over_batch, "log_softmax"), (targets_over_batch, "softmax")])
def test_distributions_over_the_batch_are_found_and_mended(loss, op):
    (said,) = found(loss)
    assert (said.code, said.op, said.axis, said.verified) == ("SW660", op, 0, True)
    assert "12 samples" in said.reason
    assert "5 classes" in said.reason


@pytest.mark.parametrize("loss", [over_classes, alike_within_batch, list_ranked])
def test_distributions_over_classes_pairs_and_lists_are_clean(loss):
    assert found(loss) == []
