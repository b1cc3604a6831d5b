"""Sums, products and flips that run over the samples of a batch, in models that are written by hand."""

import pytest
import torch
from torch import nn

import shapewidget
from shapewidget.diagnosis.findings import Severity


class Weighed(nn.Module):
    """Attention whose softmax is written by hand."""

    def __init__(self, width=12):
        super().__init__()
        self.read, self.score, self.head = nn.GRU(8, width, batch_first=True), nn.Linear(width, 1), nn.Linear(width, 2)

    def forward(self, x):
        steps, _ = self.read(x)
        grown = torch.exp(self.score(steps).squeeze(-1))
        weights = self.normal(grown)
        return self.head((steps * weights.unsqueeze(-1)).sum(1))


class WeighedAcross(Weighed):
    def normal(self, grown):
        return grown / grown.sum(dim=0, keepdim=True)


class WeighedAlong(Weighed):
    def normal(self, grown):
        return grown / grown.sum(dim=1, keepdim=True)


class Twins(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.tower = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, width))

    def forward(self, one, other):
        return self.distance(self.tower(one) - self.tower(other))


class TwinsAcross(Twins):
    def distance(self, apart):
        return (apart**2).sum(dim=0).clamp(min=1e-7).sqrt()


class TwinsEach(Twins):
    def distance(self, apart):
        return (apart**2).sum(dim=1).clamp(min=1e-7).sqrt()


class Rated(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.readers, self.films = nn.Embedding(30, width), nn.Embedding(40, width)
        self.habits = nn.Embedding(30, 1)


class RatedTogether(Rated):
    def forward(self, reader, film):
        return torch.tensordot(self.readers(reader), self.films(film), 2) + self.habits(reader)


class RatedEach(Rated):
    def forward(self, reader, film):
        return (self.readers(reader) * self.films(film)).sum(-1, keepdim=True) + self.habits(reader)


class Pulled(Rated):
    """What all vectors have in common is added to the loss that it gives, one number for the batch."""

    def forward(self, reader, film):
        one, other = self.readers(reader), self.films(film)
        return (one * other).sum(-1), 1e-3 * torch.tensordot(one, one, 2)


class Mirrored(nn.Module):
    def __init__(self, channels=6):
        super().__init__()
        self.edges, self.head = nn.Conv2d(3, channels, 3), nn.Linear(channels, 3)

    def forward(self, x):
        return self.head(self.edges(self.mirror(x)).mean(dim=(2, 3)))


class BatchMirrored(Mirrored):
    def mirror(self, x):
        return torch.flip(x, dims=[0])


class ColumnsMirrored(Mirrored):
    def mirror(self, x):
        return torch.flip(x, dims=[3])


class MixedWithMirrored(Mirrored):
    def mirror(self, x):
        return 0.7 * x + 0.3 * torch.flip(x, dims=[0])


def ids():
    return torch.randint(0, 30, (7,)), torch.randint(0, 30, (7,))


WRONG = [
    (WeighedAcross(), (torch.randn(5, 9, 8),), "SW603", "sum"),
    (TwinsAcross(), (torch.randn(6, 12), torch.randn(6, 12)), "SW603", "sum"),
    (RatedTogether(), ids(), "SW603", "tensordot"),
    (BatchMirrored(), (torch.randn(4, 3, 12, 12),), "SW603", "flip"),
]
RIGHT = [
    (WeighedAlong(), (torch.randn(5, 9, 8),)),
    (TwinsEach(), (torch.randn(6, 12), torch.randn(6, 12))),
    (RatedEach(), ids()),
    (Pulled(), ids()),
    (ColumnsMirrored(), (torch.randn(4, 3, 12, 12),)),
    (MixedWithMirrored(), (torch.randn(4, 3, 12, 12),)),
]


def alarms(report):
    return [each for each in report.findings if each.severity is not Severity.NOTE]


@pytest.mark.parametrize(("model", "inputs", "code", "layer"), WRONG, ids=lambda value: type(value).__name__)
def test_what_runs_over_the_samples_is_told_with_a_fix_that_was_run(model, inputs, code, layer):
    first = alarms(shapewidget.probe(model, inputs))[0]
    assert (first.code, first.layer, first.verified) == (code, layer, True)


@pytest.mark.parametrize(("model", "inputs"), RIGHT, ids=lambda value: type(value).__name__)
def test_what_runs_in_each_sample_raises_no_alarm(model, inputs):
    assert not alarms(shapewidget.probe(model, inputs))


@pytest.mark.parametrize(("dim", "codes"), [(0, ["SW660"]), (1, [])])
def test_likelihood_written_by_hand_over_the_samples_is_told(dim, codes):
    policy, taken = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)), torch.eye(3)[torch.arange(16) % 3]
    with shapewidget.capture() as report:
        (-(policy(torch.randn(16, 4)).log_softmax(dim) * taken).sum(1).mean()).backward()
    assert [each.code for each in alarms(report)] == codes
