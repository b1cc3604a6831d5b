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


class OfRegions(nn.Module):
    """Regions of a picture, each read by the same weights; how they are pooled is the argument."""

    def __init__(self, pool, channels=5, *, is_first=True):
        super().__init__()
        self.norm, self.read = nn.BatchNorm1d(channels), nn.Linear(9, 12)
        self.score, self.out = nn.Linear(12, 1), nn.Linear(60 if pool == "in a row" else 12, 3)
        self.places = nn.Parameter(torch.zeros(1, 5, 12))
        self.pool, self.is_first = pool, is_first

    def forward(self, regions):
        read = self.read(self.norm(regions)) if self.is_first else self.norm(self.read(regions))
        read = torch.relu(read)
        if self.pool == "attention":
            return self.out((self.score(read).softmax(1) * read).sum(1))
        if self.pool == "in a row":
            return self.out(read.flatten(1))
        if self.pool == "first":
            return self.out(read[:, 0] + read.mean(1))
        if self.pool == "places":
            return self.out((read + self.places).mean(1))
        return self.out(read.amax(1))


class OfBranches(nn.Module):
    """Three sensors, each with a layer of its own, put side by side: what stands on the axis is no set."""

    def __init__(self):
        super().__init__()
        self.read = nn.ModuleList(nn.Linear(6, 8) for _ in range(3))
        self.norm, self.out = nn.BatchNorm1d(3), nn.Linear(8, 2)

    def forward(self, x):
        side_by_side = torch.stack([read(x) for read in self.read], 1)
        return self.out(self.norm(side_by_side).mean(1))


WRONG = {
    "states": lambda: said(OfStates(10, turned=False), torch.randn(4, 10, 6)),
    "words": lambda: said(OfWords(10), torch.randint(0, 20, (4, 10))),
    "nodes": lambda: said(OfNodes(7), torch.randn(4, 7, 5), torch.rand(4, 7, 7)),
    "regions that are attended": lambda: said(OfRegions("attention"), torch.randn(4, 5, 9)),
    "regions of which the largest counts": lambda: said(OfRegions("largest"), torch.randn(4, 5, 9)),
    "regions behind a layer": lambda: said(OfRegions("largest", is_first=False), torch.randn(4, 5, 9)),
}
RIGHT = {
    "states": lambda: said(OfStates(16, turned=True), torch.randn(4, 10, 6)),
    "variables": lambda: said(OfVariables(), torch.randn(4, 7, 24)),
    "channels": lambda: said(OfChannels(), torch.randn(4, 3, 12)),
    "places in a row": lambda: said(OfRegions("in a row"), torch.randn(4, 5, 9)),
    "a place of its own": lambda: said(OfRegions("first"), torch.randn(4, 5, 9)),
    "places with a table": lambda: said(OfRegions("places"), torch.randn(4, 5, 9)),
    "branches": lambda: said(OfBranches(), torch.randn(4, 6)),
}


@pytest.mark.parametrize("program", WRONG.values(), ids=WRONG)
def test_one_mean_for_every_position_is_found_and_mended(program):
    assert program() == [("SW613", "norm", True)]


@pytest.mark.parametrize("program", RIGHT.values(), ids=RIGHT)
def test_one_mean_for_every_channel_is_right(program):
    assert program() == []
