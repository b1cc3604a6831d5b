"""What was to run along time and runs along the features: differences, sums, shifts and paddings."""

from __future__ import annotations

import pytest
import torch
from silent_programs import Program, found, series
from torch import nn
from torch.nn import functional as F


def differences(m, x):
    return m.rnn(torch.diff(x))[1][-1]


def differences_along_time(m, x):
    return m.rnn(torch.diff(x, dim=1))[1][-1]


def differences_by_cuts(m, x):
    h = m.inner(x)
    return m.rnn(h[..., 1:] - h[..., :-1])[1][-1]


def differences_by_cuts_along_time(m, x):
    h = m.inner(x)
    return m.rnn(h[:, 1:] - h[:, :-1])[1][-1]


def shifted(m, x):
    return m.rnn(F.pad(x, (1, 0))[:, :, :-1])[0]


def shifted_along_time(m, x):
    return m.rnn(F.pad(x, (0, 0, 1, 0))[:, :-1])[0]


def padded(m, x):
    return m.rnn(F.pad(x, (2, 0)))[0]


def padded_along_time(m, x):
    return m.rnn(F.pad(x, (0, 0, 2, 0)))[0]


def running_place(m, x):
    return m.head(m.rnn(x)[0]).cumsum(dim=2)


def running_place_along_time(m, x):
    return m.head(m.rnn(x)[0]).cumsum(dim=1)


def step_before(m, x):
    h = m.rnn(x)[0]
    return m.head(torch.cat([h, h.roll(1, dims=2)], -1))


def step_before_along_time(m, x):
    h = m.rnn(x)[0]
    return m.head(torch.cat([h, h.roll(1, dims=1)], -1))


def rnn(width=10):
    return nn.GRU(width, 8, batch_first=True)


WRONG = {
    "differences": (differences, {"rnn": rnn(9)}, "diff"),
    "differences by cuts": (differences_by_cuts, {"inner": nn.Linear(10, 10), "rnn": rnn(9)}, "sub"),
    "shift": (shifted, {"rnn": rnn()}, "pad"),
    "padding": (padded, {"rnn": rnn(12)}, "pad"),
    "running sum": (running_place, {"rnn": rnn(), "head": nn.Linear(8, 2)}, "cumsum"),
    "roll": (step_before, {"rnn": rnn(), "head": nn.Linear(16, 2)}, "roll"),
}
RIGHT = {
    "differences": (differences_along_time, {"rnn": rnn()}),
    "differences by cuts": (differences_by_cuts_along_time, {"inner": nn.Linear(10, 10), "rnn": rnn()}),
    "shift": (shifted_along_time, {"rnn": rnn()}),
    "padding": (padded_along_time, {"rnn": rnn()}),
    "running sum": (running_place_along_time, {"rnn": rnn(), "head": nn.Linear(8, 2)}),
    "roll": (step_before_along_time, {"rnn": rnn(), "head": nn.Linear(16, 2)}),
    "shares that grow to one": (
        lambda m, x: m.head(m.rnn(x)[0]).softmax(-1).cumsum(-1),
        {"rnn": rnn(), "head": nn.Linear(8, 5)},
    ),
    "a causal convolution": (
        lambda m, x: m.conv(F.pad(x.transpose(1, 2), (2, 0))).transpose(1, 2),
        {"conv": nn.Conv1d(10, 8, 3)},
    ),
    "features filled up behind": (lambda m, x: m.rnn(F.pad(x, (0, 6)))[0], {"rnn": rnn(16)}),
    "slopes of a spectrum": (lambda m, x: m.head(torch.diff(x)), {"head": nn.Linear(9, 3)}),
}


@pytest.mark.parametrize("name", WRONG)
def test_steps_along_the_features_are_found(name):
    forward, layers, op = WRONG[name]
    (said,) = found(Program(forward, **layers), series())
    assert (said.code, said.op, said.axis) == ("SW626", op, 2)
    assert "The 9 steps, which do, are on axis 1." in said.reason


@pytest.mark.parametrize("name", RIGHT)
def test_steps_along_time_are_clean(name):
    forward, layers = RIGHT[name]
    assert found(Program(forward, **layers), series()) == []


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(4, 6, batch_first=True)

    def forward(self, x):
        before = F.pad(x, (1, 0))[:, :, :-1]
        return self.rnn(before)[0]


class Changes(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(3, 6, batch_first=True)

    def forward(self, x):
        return self.rnn(torch.diff(x))[1][-1]


class Path(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.out = nn.GRU(4, 6, batch_first=True), nn.Linear(6, 2)

    def forward(self, x):
        moves = self.out(self.rnn(x)[0])
        return moves.cumsum(-1)


@pytest.mark.parametrize(
    ("model", "fix"),
    [
        (Forecaster(), "before = F.pad(x, (0, 0, 1, 0))[:, :-1]"),
        (Changes(), "return self.rnn(torch.diff(x, dim=1))[1][-1]; self.rnn = nn.GRU(4, 6, batch_first=True)"),
        (Path(), "return moves.cumsum(1)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_line_is_mended_to_run_along_time(model, fix):
    (said,) = found(model, torch.randn(5, 7, 4))
    assert (said.code, said.fix, said.verified) == ("SW626", fix, True)
