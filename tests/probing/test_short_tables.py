"""A table of positions is too short: it is built longer where the source says how long it is, and the program runs."""

import math

import pytest
import torch
from torch import nn

import shapewidget

LONGEST = 24


class Literal(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.places = nn.Parameter(torch.zeros(1, 24, width))

    def forward(self, x):
        return x + self.places


class Cut(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.places = nn.Parameter(torch.zeros(1, 24, width))

    def forward(self, x):
        return x + self.places[:, : x.size(1)]


class Constant(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.places = nn.Parameter(torch.randn(LONGEST, width))

    def forward(self, x):
        return x + self.places[: x.size(1)]


class Sum(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.places = nn.Parameter(torch.zeros(1, 23 + 1, width))

    def forward(self, x):
        return x + self.places


class Causal(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.register_buffer("past", torch.tril(torch.ones(24, 24)))

    def forward(self, x):
        scores = self.query(x) @ self.key(x).mT / 4
        return scores.masked_fill(self.past == 0, float("-inf")).softmax(-1) @ x


class Sines(nn.Module):
    def __init__(self, width, longest=24):
        super().__init__()
        place = torch.arange(longest).float()[:, None]
        turns = torch.exp(torch.arange(0, width, 2).float() * (-math.log(10000.0) / width))
        table = torch.zeros(longest, width)
        table[:, 0::2], table[:, 1::2] = torch.sin(place * turns), torch.cos(place * turns)
        self.register_buffer("table", table[None])

    def forward(self, x):
        return x + self.table[:, : x.size(1)]


class Inner(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.places = Sines(width)

    def forward(self, x):
        return self.places(x)


@pytest.mark.parametrize(
    ("model", "width", "text"),
    [
        (Literal, 24, "torch.zeros(1, 30, width)"),
        (Cut, 16, "torch.zeros(1, 30, width)"),
        (Constant, 16, "torch.randn(30, width)"),
        (Sum, 16, "torch.zeros(1, 30, width)"),
        (Causal, 16, "torch.tril(torch.ones(30, 30))"),
        (Inner, 16, "Sines(width, longest=30)"),
    ],
)
def test_table_is_built_longer_where_the_source_says_how_long_it_is(model, width, text):
    made = model()
    report = shapewidget.probe(made, torch.randn(2, 30, width))
    (found,) = report.findings
    assert (found.code, found.verified) == ("SW201", True)
    assert "too short for the data" in found.reason
    assert text in found.fix
    assert text in found.patch
    assert not any(30 in tensor.shape for tensor in made.state_dict().values())


class Patches(nn.Module):
    def __init__(self, picture=32, patch=4, width=16):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.places = nn.Parameter(torch.zeros(1, (picture // patch) ** 2, width))

    def forward(self, x):
        return self.patches(x).flatten(2).mT + self.places


def test_table_of_patches_is_built_for_the_pictures_that_come():
    (found,) = shapewidget.probe(Patches(), torch.rand(2, 3, 64, 64)).findings
    assert (found.code, found.fix, found.verified) == ("SW201", "Patches(picture=64)", True)


def test_table_that_is_long_enough_is_right():
    assert shapewidget.probe(Cut(), torch.randn(2, 20, 16)).ok
    assert shapewidget.probe(Patches(picture=64), torch.rand(2, 3, 64, 64)).ok
