"""Heads of attention over a fixed number of positions, split off into the batch and merged back."""

from __future__ import annotations

import pytest
import torch
from small_models import model_of
from torch import nn

import shapewidget

HEADS, SIZE, FIELDS = 3, 4, 6


class Fields(nn.Module):
    """Fields of a click: each has a table of its own, so that their number is fixed."""

    def __init__(self, attend):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(9, HEADS * SIZE) for _ in range(FIELDS))
        self.q, self.k, self.v = (nn.Linear(HEADS * SIZE, HEADS * SIZE) for _ in range(3))
        self.attend = attend

    def forward(self, ids):
        x = torch.stack([table(ids[:, place]) for place, table in enumerate(self.tables)], dim=1)
        return self.attend(self.q(x), self.k(x), self.v(x))


def attended(q, k, v):
    return torch.bmm((q @ k.transpose(1, 2) / SIZE**0.5).softmax(-1), v)


def heads_read_off_positions(q, k, v):
    q, k, v = (each.view(-1, FIELDS, SIZE) for each in (q, k, v))
    return attended(q, k, v).view(-1, FIELDS, HEADS * SIZE)


def heads_merged_without_a_swap(q, k, v):
    parts = [each.view(-1, FIELDS, HEADS, SIZE).transpose(1, 2).flatten(0, 1) for each in (q, k, v)]
    return attended(*parts).view(-1, FIELDS, HEADS * SIZE)


def heads_swapped(q, k, v):
    parts = [each.view(-1, FIELDS, HEADS, SIZE).transpose(1, 2).flatten(0, 1) for each in (q, k, v)]
    return attended(*parts).view(-1, HEADS, FIELDS, SIZE).transpose(1, 2).flatten(2)


def heads_of_time_first(q, k, v):
    parts = [each.transpose(0, 1).reshape(FIELDS, -1, SIZE).transpose(0, 1) for each in (q, k, v)]
    return attended(*parts).transpose(0, 1).reshape(FIELDS, -1, HEADS * SIZE).transpose(0, 1)


def rows_scaled_and_put_back(q, k, v):
    return (q.view(-1, FIELDS, SIZE) * 0.5).view(-1, FIELDS, HEADS * SIZE) + k * v


def found(attend):
    return shapewidget.probe(Fields(attend), torch.randint(0, 9, (8, FIELDS))).findings


@pytest.mark.parametrize("attend", [heads_read_off_positions, heads_merged_without_a_swap])
def test_heads_that_hold_positions_are_told_and_swapped(attend):
    said = found(attend)[0]
    assert (said.code, said.op, said.expected) == ("SW601", "view", "transpose(1, 2)")
    assert "2 of the 6 positions" in said.reason
    assert said.verified


@pytest.mark.parametrize("attend", [heads_swapped, heads_of_time_first, rows_scaled_and_put_back])
def test_heads_that_are_split_and_merged_rightly_are_clean(attend):
    assert [each for each in found(attend) if each.severity != "note"] == []


def test_pairs_of_positions_are_no_heads():
    def forward(m, x):
        pairs = torch.cat([x[:, :, None].expand(-1, -1, 5, -1), x[:, None].expand(-1, 5, -1, -1)], -1).flatten(0, 1)
        return torch.bmm(m.body(pairs), m.body(pairs).transpose(1, 2)).view(-1, 5, 25)

    report = shapewidget.probe(model_of(forward, body=nn.Linear(8, 4)), torch.randn(7, 5, 4))
    assert [each for each in report.findings if each.severity != "note"] == []
