"""A table that is cut to the batch size: the cut is told and mended, and no sample is given a row of its own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import shapewidget


class Rotary(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("angles", torch.randn(50, 1, 4))

    def forward(self, x):
        heads = x.view(x.size(0), x.size(1), 3, 4)
        return heads * self.angles[: x.size(0)]


class Positions(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.randn(50, 12))

    def forward(self, x):
        return x + self.table[: x.shape[0]]


@pytest.mark.parametrize(("model", "fix"), [(Rotary(), "x.size(1)"), (Positions(), "x.size(1)")], ids=["rotary", "sum"])
def test_table_is_cut_to_the_steps(model, fix):
    (finding,) = shapewidget.probe(model, torch.randn(5, 9, 12)).findings
    assert finding.code == "SW201"
    assert "cut a table to the batch size" in finding.reason
    assert fix in finding.fix
    assert finding.verified


def test_size_read_elsewhere_is_told_without_an_edit_that_gives_every_sample_a_row():
    class Elsewhere(Rotary):
        def forward(self, x):
            count = x.shape[0]
            return x.view(x.size(0), x.size(1), 3, 4) * self.angles[:count]

    (finding,) = shapewidget.probe(Elsewhere(), torch.randn(5, 9, 12)).findings
    assert finding.fix == "cut the table to the 9 steps, not to the 5 samples"
    assert not finding.verified


def test_every_table_that_is_cut_to_the_same_number_is_cut_otherwise():
    class Rotated(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("cos", torch.randn(50, 1, 4))
            self.register_buffer("sin", torch.randn(50, 1, 4))
            self.body = nn.Linear(12, 12)

        def forward(self, x):
            heads = self.body(x).view(x.size(0), x.size(1), 3, 4)
            count = heads.shape[0]
            cos, sin = self.cos[:count], self.sin[:count]
            return heads * cos + heads.flip(-1) * sin

    finding = shapewidget.probe(Rotated(), torch.randn(5, 9, 12)).findings[0]
    assert finding.verified
    assert "self.cos[:heads.size(1)], self.sin[:heads.size(1)]" in finding.fix
