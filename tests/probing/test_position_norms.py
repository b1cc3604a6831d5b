"""Batch normalisation of (batch, positions, features): the channels are the features."""

import pytest
import torch
from torch import nn

import shapewidget


def said(model, *inputs):
    found = shapewidget.probe(model, inputs).findings
    return [(each.code, each.layer, each.verified) for each in found if each.severity != "note"]


class OfStates(nn.Module):
    def __init__(self, channels, *, turned):
        super().__init__()
        self.states, self.norm = nn.LSTM(6, 16, batch_first=True), nn.BatchNorm1d(channels)
        self.turned = turned

    def forward(self, x):
        states, _ = self.states(x)
        if self.turned:
            return self.norm(states.transpose(1, 2)).transpose(1, 2)[:, -1]
        return self.norm(states)[:, -1]


class OfWords(nn.Module):
    def __init__(self, steps):
        super().__init__()
        self.words, self.norm, self.out = nn.Embedding(20, 12), nn.BatchNorm1d(steps), nn.Linear(12, 3)

    def forward(self, ids):
        return self.out(torch.relu(self.norm(self.words(ids))).mean(1))


class OfNodes(nn.Module):
    def __init__(self, nodes):
        super().__init__()
        self.weights, self.norm = nn.Linear(5, 8), nn.BatchNorm1d(nodes)

    def forward(self, features, neighbours):
        together = torch.bmm(neighbours, self.weights(features))
        return torch.relu(self.norm(together)).amax(1)


class OfVariables(nn.Module):
    """A row of the middle axis is one variable, and the layer runs along its time: the variables are the channels."""

    def __init__(self):
        super().__init__()
        self.along, self.norm, self.out = nn.Linear(24, 16), nn.BatchNorm1d(7), nn.Linear(16, 12)

    def forward(self, x):
        return self.out(self.norm(torch.relu(self.along(x))))


class OfChannels(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.along, self.norm = nn.Conv1d(3, 6, 3, padding=1), nn.Linear(12, 12), nn.BatchNorm1d(6)

    def forward(self, x):
        return self.norm(self.along(self.conv(x)))


WRONG = {
    "states": lambda: said(OfStates(10, turned=False), torch.randn(4, 10, 6)),
    "words": lambda: said(OfWords(10), torch.randint(0, 20, (4, 10))),
    "nodes": lambda: said(OfNodes(7), torch.randn(4, 7, 5), torch.rand(4, 7, 7)),
}
RIGHT = {
    "states": lambda: said(OfStates(16, turned=True), torch.randn(4, 10, 6)),
    "variables": lambda: said(OfVariables(), torch.randn(4, 7, 24)),
    "channels": lambda: said(OfChannels(), torch.randn(4, 3, 12)),
}


@pytest.mark.parametrize("program", WRONG.values(), ids=WRONG)
def test_one_mean_for_every_position_is_found_and_mended(program):
    assert program() == [("SW613", "norm", True)]


@pytest.mark.parametrize("program", RIGHT.values(), ids=RIGHT)
def test_one_mean_for_every_channel_is_right(program):
    assert program() == []
