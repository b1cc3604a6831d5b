"""Layers that are called like functions are none."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import shapewidget


class Tagger(nn.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.embed = nn.Embedding(50, 24)
        self.lstm = nn.LSTM(24, 32, batch_first=True)
        self.add_module(name, nn.Linear(32, 32))
        self.out = nn.Linear(32, 5)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.out(getattr(self, self.name)(self.lstm(self.embed(ids))[0]))


@pytest.mark.parametrize("name", ["squeeze", "roll", "diff", "flip", "softmax", "norm", "cumsum", "embedding"])
def test_probe_takes_no_layer_for_the_function_of_its_name(name: str) -> None:
    report = shapewidget.probe(Tagger(name), torch.randint(0, 50, (6, 9)))
    assert report.findings == ()
