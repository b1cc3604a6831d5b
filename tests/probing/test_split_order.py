"""Rows and columns that are merged in one order and split in the other."""

from __future__ import annotations

import pytest
import torch
from silent_programs import found
from torch import nn


def tall():
    torch.manual_seed(4)
    return torch.randn(4, 3, 12, 20)


def codes():
    torch.manual_seed(4)
    return torch.randn(4, 16)


class Tokens(nn.Module):
    """Goes through the pixels of an image as words, and back."""

    def __init__(self, *, is_turned):
        super().__init__()
        self.is_turned = is_turned
        self.first, self.mix, self.norm = nn.Conv2d(3, 8, 1), nn.Linear(8, 8), nn.LayerNorm(8)
        self.last = nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, x):
        features = self.first(x)
        batch, channels, height, width = features.shape
        words = features.flatten(2).transpose(1, 2)
        back = self.norm(words + self.mix(words)).transpose(1, 2)
        if self.is_turned:
            back = back.reshape(batch, channels, width, height)
        else:
            back = back.reshape(batch, channels, height, width)
        return self.last(back).mean((2, 3))


class Field(nn.Module):
    """A picture from a code, point by point; the points are a table, or made in every run."""

    def __init__(self, points=None, *, is_wide=False):
        super().__init__()
        self.register_buffer("points", points)
        self.is_wide = is_wide
        self.point, self.code, self.colour = nn.Linear(2, 8), nn.Linear(16, 8), nn.Linear(8, 3)

    def forward(self, code):
        points = self.points if self.points is not None else grid(is_wide=self.is_wide)
        found = torch.relu(self.point(points)[None] + self.code(code)[:, None])
        return self.colour(found).view(-1, 12, 20, 3)


def grid(*, is_wide):
    rows, columns = torch.linspace(-1, 1, 12), torch.linspace(-1, 1, 20)
    axes = (columns, rows) if is_wide else (rows, columns)
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)


def table_of_x_and_y():
    rows, columns = torch.meshgrid(torch.arange(12.0), torch.arange(20.0), indexing="ij")
    return torch.stack([columns, rows], -1).reshape(-1, 2)


@pytest.mark.parametrize(
    ("model", "inputs"),
    [(Tokens(is_turned=True), tall), (Field(is_wide=True), codes), (Field(grid(is_wide=True)), codes)],
)
def test_axes_split_in_another_order_are_named_and_turned(model, inputs):
    (only,) = found(model, inputs())
    assert only.code == "SW621"
    assert only.verified
    assert {only.got, only.expected} == {(12, 20), (20, 12)}


class WidthFirst(Field):
    def forward(self, code):
        found = torch.relu(self.point(self.points)[None] + self.code(code)[:, None])
        return found.view(-1, 20, 12, 8).transpose(1, 2)


class ColumnByColumn(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(3, 3)

    def forward(self, x):
        batch, channels, height, width = x.shape
        columns = self.mix(x.permute(0, 3, 2, 1).reshape(batch, width * height, channels))
        return columns.view(batch, width, height, channels).permute(0, 3, 2, 1)


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (Tokens(is_turned=False), tall),
        (Field(is_wide=False), codes),
        (Field(grid(is_wide=False)), codes),
        (Field(table_of_x_and_y()), codes),
        (WidthFirst(grid(is_wide=True)), codes),
        (ColumnByColumn(), tall),
    ],
)
def test_axes_split_in_the_order_of_the_merge_are_right(model, inputs):
    assert found(model, inputs()) == []
