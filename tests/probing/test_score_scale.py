"""Scores that are divided by the square root of a length, and what they may be divided by."""

from __future__ import annotations

import math

import pytest
import torch
from silent_programs import Program, attention, found, series
from torch import nn


def keys_turned_before(m, x):
    keys = m.k(x).transpose(1, 2)
    return torch.softmax(m.q(x) @ keys / math.sqrt(keys.size(-1)), -1) @ m.v(x)


def queries_scaled(m, x):
    q = m.q(x) * x.size(1) ** -0.5
    return (q @ m.k(x).mT).softmax(-1) @ m.v(x)


def heads_by_letters(m, x):
    q, k, v = (part(x).unflatten(-1, (2, 5)) for part in (m.q, m.k, m.v))
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k).div(q.shape[1] ** 0.5)
    mask = torch.ones(x.size(1), x.size(1), dtype=torch.bool).triu(1)
    return torch.einsum("bhqk,bkhd->bqhd", scores.masked_fill(mask, -math.inf).softmax(-1), v).flatten(2)


def by_the_width(m, x):
    return torch.softmax(m.q(x) @ m.k(x).mT / math.sqrt(x.size(-1)), -1) @ m.v(x)


def channels_to_channels(m, x):
    q, k, v = m.q(x), m.k(x), m.v(x)
    return (torch.softmax(q.mT @ k / math.sqrt(x.size(1)), -1) @ v.mT).mT


def averaged_over_positions(m, x):
    return (m.q(x) @ m.k(x).mT) / x.size(1) ** 0.5 @ m.v(x)


@pytest.mark.parametrize(
    ("forward", "op"), [(keys_turned_before, "div"), (queries_scaled, "mul"), (heads_by_letters, "div")]
)
def test_scores_divided_by_the_length_are_found(forward, op):
    (said,) = found(Program(forward, **attention()), series())
    assert (said.code, said.op, said.got) == ("SW627", op, "sqrt(9), the length")


@pytest.mark.parametrize("forward", [by_the_width, channels_to_channels, averaged_over_positions])
def test_other_scales_are_clean(forward):
    assert found(Program(forward, **attention()), series()) == []


class Pointing(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k = nn.Linear(10, 4), nn.Linear(10, 4)

    def forward(self, x):
        scores = self.q(x) @ self.k(x).transpose(1, 2) / math.sqrt(x.size(1))
        return scores.softmax(dim=-1)


def test_scale_is_mended_in_its_line():
    (said,) = found(Pointing(), series())
    assert (said.code, said.verified) == ("SW627", True)
    assert said.fix == "scores = self.q(x) @ self.k(x).transpose(1, 2) / 4 ** 0.5"
