"""Fixes of what is joined, scattered, or normalised over several axes."""

import pytest
import torch
from torch import nn

import shapewidget


class Scattered(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(6, 8)

    def forward(self, nodes, groups):
        hidden = self.body(nodes)
        return torch.zeros(4, 8).scatter_add(0, groups, hidden)


class Normed(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.norm = nn.Linear(6, 8), nn.LayerNorm([20, 8])

    def forward(self, x):
        return self.norm(self.body(x))


class NormedPictures(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.LayerNorm([8, 32, 32])

    def forward(self, x):
        return self.norm(self.body(x))


class Joined(nn.Module):
    """Ids beside one number each, in a width that the ids fill already."""

    def __init__(self):
        super().__init__()
        self.ids, self.norm, self.head = nn.Embedding(20, 16), nn.LayerNorm(16), nn.Linear(16, 3)

    def forward(self, ids, values):
        return self.head(self.norm(torch.cat([self.ids(ids), values[:, :, None]], 2)))


class WithToken(nn.Module):
    """A token that all samples share, behind the steps of each."""

    def __init__(self):
        super().__init__()
        self.token, self.head = nn.Parameter(torch.zeros(1, 1, 6)), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(torch.cat([x, self.token], dim=1)[:, -1])


GROUPS = torch.randint(0, 4, (10,), generator=torch.Generator().manual_seed(0))
IDS = torch.randint(0, 20, (4, 7), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("model", "inputs", "code", "fix"),
    [
        (Scattered, (torch.randn(10, 6), GROUPS), "SW110", "groups.unsqueeze(-1).expand_as(hidden)"),
        (Normed, (torch.randn(4, 15, 6),), "SW103", "self.norm = nn.LayerNorm(8)"),
        (NormedPictures, (torch.randn(2, 3, 28, 28),), "SW103", "nn.LayerNorm((8, 28, 28))"),
        (WithToken, (torch.randn(4, 5, 6),), "SW202", "torch.cat([x, self.token.expand(x.size(0), -1, -1)], dim=1)"),
        (Joined, (IDS, torch.rand(4, 7)), "SW103", "nn.Embedding(20, 15)"),
    ],
)
def test_fix_is_what_a_person_would_write_and_runs(model, inputs, code, fix):
    (found,) = shapewidget.probe(model(), inputs).findings
    assert (found.code, found.verified) == (code, True)
    assert fix in found.fix
