"""A reshape whose length is written down: at other sizes the program ends there, and no size is taken for free."""

import torch
from torch import nn

import shapewidget


class Leads(nn.Module):
    """Twelve leads of 40 values, read as 40 steps of 12 values."""

    def __init__(self, turned):
        super().__init__()
        self.read, self.head = nn.LSTM(12, 9, batch_first=True), nn.Linear(9, 5)
        self.turned = turned

    def forward(self, x):
        steps = x.transpose(1, 2) if self.turned else x.reshape(-1, 40, 12)
        return self.head(self.read(steps)[0][:, -1])


def test_axes_that_a_reshape_swaps_in_name_are_found():
    (found,) = shapewidget.probe(Leads(turned=False), torch.randn(3, 12, 40)).findings
    assert (found.code, found.verified) == ("SW601", True)
    assert "x.transpose(1, 2)" in found.fix


def test_axes_that_are_turned_are_right():
    assert shapewidget.probe(Leads(turned=True), torch.randn(3, 12, 40)).ok
