"""Maps that are flattened column by column and meet others that are flattened row by row."""

from __future__ import annotations

import pytest
import torch
from silent_programs import found
from torch import nn
from torch.nn import functional as F


def columns_first(outputs, labels):
    scores = outputs.transpose(1, 3)
    return F.cross_entropy(scores.reshape(-1, 5), labels.reshape(-1))


def rows_first(outputs, labels):
    scores = outputs.permute(0, 2, 3, 1)
    return F.cross_entropy(scores.reshape(-1, 5), labels.reshape(-1))


def both_columns_first(outputs, labels):
    scores = outputs.transpose(1, 3)
    return F.cross_entropy(scores.reshape(-1, 5), labels.transpose(1, 2).reshape(-1))


def picked_by_label(outputs, labels):
    scores = outputs.permute(0, 3, 2, 1).contiguous().view(-1, 5)
    chosen = scores[labels.view(-1) == 1]
    return chosen.pow(2).mean()


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 5, 1))


@pytest.mark.parametrize("sizes", [(6, 10), (8, 8)])
@pytest.mark.parametrize(("loss", "op"), [(columns_first, "transpose"), (picked_by_label, "permute")])
def test_pixels_that_meet_others_are_found(loss, op, sizes):
    (said,) = found(
        net(),
        torch.randn(4, 3, *sizes),
        loss=loss,
        targets=torch.arange(5).repeat(1000)[: 4 * sizes[0] * sizes[1]].reshape(4, *sizes),
    )
    assert (said.code, said.where, said.op, said.verified) == ("SW616", "loss", op, True)
    assert "outputs.permute(0, 2, 3, 1)" in said.fix


@pytest.mark.parametrize("loss", [rows_first, both_columns_first])
def test_pixels_in_one_order_are_clean(loss):
    assert found(net(), torch.randn(4, 3, 6, 10), loss=loss, targets=torch.randint(0, 5, (4, 6, 10))) == []
