"""Programs that look like a wrong axis and are right: nothing may be found in them."""

from __future__ import annotations

import math

import pytest
import torch
from silent_programs import Program, attention, found, images, rows, series
from torch import nn
from torch.nn import functional as F


def channels_to_channels(m, x):
    heads = (part(x).unflatten(-1, (2, 5)).permute(0, 2, 3, 1) for part in (m.q, m.k, m.v))
    q, k, v = heads
    weights = (F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT * m.heat).softmax(-1)
    return (weights @ v).permute(0, 3, 1, 2).flatten(2)


def talking_heads(m, x):
    q, k, v = (part(x).unflatten(-1, (2, 5)).transpose(1, 2) for part in (m.q, m.k, m.v))
    scores = m.mix((q @ k.mT / math.sqrt(5)).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)


def slots(m, x):
    queries = m.slots.expand(x.size(0), -1, -1)
    weights = (torch.einsum("bsd,btd->bst", queries, m.k(x)) * 10**-0.5).softmax(1)
    return torch.einsum("bst,btd->bsd", weights / weights.sum(-1, keepdim=True), m.v(x))


def growing(m, x):
    return F.softplus(m.head(m.rnn(x)[0])).cumsum(-1)


def with_speaker(m, x, speakers):
    return m.head(m.rnn(x)[0][:, -1] + m.speakers(speakers))


def step_of_length(m, x, n):
    return m.head(m.rnn(x)[0][torch.arange(len(x)), n - 1])


def masked_by_length(m, x, n):
    hidden = torch.arange(x.size(1)) >= n[:, None]
    steps = m.encoder(x, src_key_padding_mask=hidden).masked_fill(hidden.unsqueeze(-1), 0.0)
    return m.head(steps.sum(1) / n.unsqueeze(1))


def axial(m, x):
    maps = m.cut(x)
    batch, channels, height, width = maps.shape
    lines = maps.permute(0, 2, 3, 1).reshape(batch * height, width, channels)
    columns = maps.permute(0, 3, 2, 1).reshape(batch * width, height, channels)
    one, other = ((each @ each.mT / math.sqrt(channels)).softmax(-1) @ each for each in (lines, columns))
    one = one.view(batch, height, width, channels).permute(0, 3, 1, 2)
    return one + other.view(batch, width, height, channels).permute(0, 3, 2, 1)


def gain(m, x):
    gains = m.gain(x)
    return m.value(x) + gains - gains.mean(-1, keepdim=True)


def centred(m, x):
    z = m.gain(x)
    return z - z.mean(0)


def step_before(m, x):
    return m.head(m.rnn(torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], 1))[0])


def with_changes(m, x):
    return m.rnn(torch.cat([x, torch.diff(x, dim=1, prepend=x[:, :1])], -1))[1][-1]


def with_a_one(m, x):
    return m.rnn(F.pad(x, (0, 1), value=1.0))[1][-1]


def pixels_to_pixels(m, x):
    pixels = m.cut(x).flatten(2).transpose(1, 2)
    return pixels @ pixels.mT / pixels.size(1) @ pixels


def gated_channels(m, x):
    value, gate = m.slide(x.transpose(1, 2)).chunk(2, 1)
    return (value * gate.sigmoid()).transpose(1, 2)


def rnn(width=10):
    return nn.GRU(width, 10, batch_first=True)


NUMBERS = torch.tensor([9, 1, 2, 3, 4, 5])
PROGRAMS = {
    "channels to channels": (channels_to_channels, {**attention(), "heat": nn.Parameter(torch.ones(2, 1, 1))}),
    "talking heads": (talking_heads, {**attention(), "mix": nn.Linear(2, 2)}),
    "slots": (slots, {**attention(), "slots": nn.Parameter(torch.ones(1, 4, 10))}),
    "growing thresholds": (growing, {"rnn": rnn(), "head": nn.Linear(10, 6)}),
    "step before": (step_before, {"rnn": rnn(), "head": nn.Linear(10, 10)}),
    "changes": (with_changes, {"rnn": rnn(20)}),
    "a feature that is one": (with_a_one, {"rnn": rnn(11)}),
    "gated channels": (gated_channels, {"slide": nn.Conv1d(10, 12, 3, padding=1)}),
    "speakers": (
        with_speaker, {"rnn": rnn(), "speakers": nn.Embedding(12, 10), "head": nn.Linear(10, 6)}, series(), NUMBERS),
    "step of each length": (step_of_length, {"rnn": rnn(), "head": nn.Linear(10, 6)}, series(), NUMBERS),
    "masked by lengths": (
        masked_by_length,
        {"encoder": nn.TransformerEncoderLayer(10, 2, 20, 0.0, batch_first=True), "head": nn.Linear(10, 6)},
        series(), NUMBERS),
    "axial attention": (axial, {"cut": nn.Conv2d(3, 8, 1)}, images()),
    "pixels to pixels": (pixels_to_pixels, {"cut": nn.Conv2d(3, 8, 1)}, images()),
    "gain less its mean": (gain, {"gain": nn.Linear(10, 4), "value": nn.Linear(10, 1)}, rows()),
    "centred over the batch": (centred, {"gain": nn.Linear(10, 4)}, rows()),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_axis_that_is_right_raises_no_alarm(name):
    forward, layers, *inputs = PROGRAMS[name]
    assert found(Program(forward, **layers), *(inputs or [series()])) == []
