"""Several mistakes in one model: each is told at its line, and the fix of one is not tried at the cost of another."""

from __future__ import annotations

import inspect
import sys

import torch
from torch import nn
from torch.nn import functional

import shapewidget
from shapewidget.probing.report import Report


class Attention(nn.Module):
    def __init__(self, dim: int = 32, classes: int = 3) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, dim)
        self.position = nn.Parameter(torch.zeros(1, 10, dim))
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim + 4, dim)
        self.value = nn.Linear(dim, dim)
        self.norm = nn.LayerNorm(dim * 2)
        self.up = nn.Linear(dim, 4 * dim)
        self.down = nn.Linear(2 * dim, dim)
        self.out = nn.Linear(dim - 2, classes)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.embed(ids) + self.position
        query, key, value = self.query(x), self.key(x), self.value(x)
        weights = torch.softmax(query @ key / 32**0.5, dim=-1)
        x = self.norm(x + weights @ value)
        x = x + self.down(functional.gelu(self.up(x)))
        return self.out(x.mean(1))


class Picture(nn.Module):
    def __init__(self, hidden: int = 32) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Conv2d(16, 12, 3, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.squeeze = nn.Linear(12 * 8 * 8, hidden)
        self.out = nn.Linear(hidden + 1, 5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = functional.max_pool2d(functional.relu(self.first(image)), 2)
        x = functional.max_pool2d(self.norm(self.second(x)), 2)
        return self.out(self.squeeze(x.flatten(1)))


class Cell(nn.Module):
    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.into = nn.Linear(10, width)
        self.wide = nn.Linear(width * 3, 4)
        self.cell = nn.GRUCell(6, width)
        self.norm = nn.LayerNorm(width + 2)
        self.pair = nn.Bilinear(width, 5, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = self.into(x)
        given = self.wide(state)
        state = self.norm(self.cell(given, state))
        return self.pair(state, given)


def told(report: Report) -> list[tuple[str, str, bool]]:
    """Of every finding above a note: its layer, its fix, and whether that was run."""
    return [(it.layer, it.fix, it.verified) for it in report.findings if it.severity != "note"]


def test_probe_tells_six_mistakes_of_one_transformer_block_with_their_lines() -> None:
    report = shapewidget.probe(Attention(), torch.randint(0, 50, (5, 12)))
    assert told(report) == [
        ("add", "self.position = nn.Parameter(torch.zeros(1, 12, dim))", True),
        ("key", "self.key = nn.Linear(dim, dim)", True),
        ("matmul", "weights = torch.softmax(query @ key.transpose(-2, -1) / 32**0.5, dim=-1)", True),
        ("norm", "self.norm = nn.LayerNorm(dim)", True),
        ("down", "self.down = nn.Linear(4 * dim, dim)", True),
        ("out", "self.out = nn.Linear(dim, classes)", True),
    ]
    lines = inspect.getsource(sys.modules[__name__]).splitlines()
    told_at = [lines[it.source.line - 1].strip() for it in report.findings if it.source is not None]
    assert [line.partition(" = ")[0] for line in told_at] == [
        "self.position", "self.key", "weights", "self.norm", "self.down", "self.out"
    ]  # fmt: skip


def test_probe_moves_no_axis_before_a_norm_where_a_convolution_has_put_the_channels() -> None:
    report = shapewidget.probe(Picture(), torch.randn(6, 3, 32, 32))
    assert told(report) == [
        ("second", "self.second = nn.Conv2d(8, 12, 3, padding=1)", True),
        ("norm", "self.norm = nn.BatchNorm2d(12)", True),
        ("out", "self.out = nn.Linear(hidden, 5)", True),
    ]
    assert all(it.code != "SW612" for it in report.findings)  # a layer that is called `squeeze` is none


def test_probe_takes_no_fix_with_which_the_run_ends_before_another_mistake() -> None:
    report = shapewidget.probe(Cell(), torch.randn(5, 10))
    assert told(report)[:3] == [
        ("wide", "self.wide = nn.Linear(width, 4)", True),
        ("cell", "self.cell = nn.GRUCell(4, width)", True),
        ("norm", "self.norm = nn.LayerNorm(width)", True),
    ]
