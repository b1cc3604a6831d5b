"""Every loss of PyTorch on what it takes, and on targets of another batch."""

import contextlib

import pytest
import torch
from torch import nn

import shapewidget
from shapewidget.diagnosis.findings import Severity

ROWS = torch.linspace(-2, 2, 96).sin().reshape(12, 8)
IDS = torch.arange(12) % 5
HOT = torch.eye(5)[IDS]
NUMBERS = ROWS[:, :1] * 3
SIGNS = (torch.arange(12) % 2 * 2 - 1.0)[:, None]
SETS = torch.where(torch.arange(5) < 2, (IDS[:, None] + torch.arange(5)) % 5, -1)


class Head(nn.Module):
    def __init__(self, units, activation):
        super().__init__()
        self.last, self.activation = nn.Linear(8, units), activation

    def forward(self, rows):
        return self.activation(self.last(rows))


SCORES, LOGARITHMS = nn.Identity(), nn.LogSoftmax(1)
RIGHT = {
    nn.L1Loss: (1, SCORES, NUMBERS),
    nn.MSELoss: (1, SCORES, NUMBERS),
    nn.SmoothL1Loss: (1, SCORES, NUMBERS),
    nn.HuberLoss: (1, SCORES, NUMBERS),
    nn.CrossEntropyLoss: (5, SCORES, IDS),
    nn.MultiMarginLoss: (5, SCORES, IDS),
    nn.NLLLoss: (5, LOGARITHMS, IDS),
    nn.KLDivLoss: (5, LOGARITHMS, HOT * 0.9 + 0.02),
    nn.BCELoss: (1, nn.Sigmoid(), (SIGNS + 1) / 2),
    nn.BCEWithLogitsLoss: (1, SCORES, (SIGNS + 1) / 2),
    nn.PoissonNLLLoss: (1, SCORES, NUMBERS.abs().round()),
    nn.HingeEmbeddingLoss: (1, SCORES, SIGNS),
    nn.SoftMarginLoss: (1, SCORES, SIGNS),
    nn.MultiLabelSoftMarginLoss: (5, SCORES, HOT),
    nn.MultiLabelMarginLoss: (5, SCORES, SETS),
}
OF_SEVERAL = {
    "CTCLoss": lambda loss, made, count: loss(
        made.log_softmax(-1)[None].expand(4, -1, -1),
        1 + IDS[:count, None] % 4,
        torch.full((len(made),), 4),
        torch.ones(count, dtype=torch.long),
    ),
    "CosineEmbeddingLoss": lambda loss, made, count: loss(made, HOT, SIGNS[:count, 0]),
    "GaussianNLLLoss": lambda loss, made, count: loss(made, HOT[:count], torch.ones(count, 5)),
    "MarginRankingLoss": lambda loss, made, count: loss(made[:, 0], made[:, 1], SIGNS[:count, 0]),
    "TripletMarginLoss": lambda loss, made, count: loss(made, HOT[:count], HOT.roll(1, 0)[:count]),
    "TripletMarginWithDistanceLoss": lambda loss, made, count: loss(made, HOT[:count], HOT.roll(1, 0)[:count]),
}
"""Losses of more than outputs and targets, as a program calls them, with targets for so many samples."""
WITH_WEIGHTS_OF_THEIR_OWN = {"LinearCrossEntropyLoss"}
OLD_NAMES = {"NLLLoss2d"}


def alarms(model, loss, targets):
    report = shapewidget.probe(model, ROWS, targets=targets, loss=loss)
    return [each.code for each in report.findings if each.severity is not Severity.NOTE]


def test_table_has_every_loss():
    base = nn.modules.loss._Loss
    every = {name for name, value in vars(nn).items() if isinstance(value, type) and issubclass(value, base)}
    every -= WITH_WEIGHTS_OF_THEIR_OWN | OLD_NAMES
    assert {kind.__name__ for kind in RIGHT} | set(OF_SEVERAL) == every


@pytest.mark.parametrize("kind", RIGHT)
def test_right_targets_raise_no_alarm_and_those_of_another_batch_are_found(kind):
    units, activation, targets = RIGHT[kind]
    loss = kind(reduction="batchmean") if kind is nn.KLDivLoss else kind()
    model = Head(units, activation)
    assert alarms(model, loss, targets) == []
    assert alarms(model, loss, targets[:10])[:1] == ["SW301"]


@pytest.mark.parametrize("name", OF_SEVERAL)
def test_losses_of_several_raise_no_alarm_when_right_and_are_told_when_wrong(name):
    def codes(count):
        with contextlib.suppress(RuntimeError, ValueError), shapewidget.capture() as report:
            OF_SEVERAL[name](getattr(nn, name)(), Head(5, SCORES)(ROWS), count)
        return [each.code for each in report.findings if each.severity is not Severity.NOTE]

    assert codes(12) == []
    assert any(code.startswith("SW3") for code in codes(10))
