"""Programs that run and compute something else than was meant."""

from __future__ import annotations

import math

import pytest
import torch
from silent_programs import Program, WithLengths, attention, embedded, encoder, found, images, rows, series, words
from torch import nn
from torch.nn import functional as F


def heads_by_view(m, x):
    batch, steps, width = x.shape
    q, k, v = (part.reshape(batch, 5, steps, width // 5) for part in (m.q(x), m.k(x), m.v(x)))
    mixed = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(width), -1) @ v
    return mixed.transpose(1, 2).reshape(batch, steps, width)


def weights_over_queries(m, x):
    scores = m.q(x) @ m.k(x).transpose(1, 2)
    return torch.softmax(scores, dim=1) @ m.v(x)


def classes_by_view(m, x):
    return m.head(x).view(x.shape[0], 4, x.shape[1])


def seq_first_by_reshape(m, ids):
    embedded = m.emb(ids)
    batch, steps, width = embedded.shape
    return m.head(m.rnn(embedded.reshape(steps, batch, width))[0].mean(0))


def states_by_view(m, ids):
    _, (state, _) = m.rnn(m.emb(ids))
    return m.head(state.view(ids.shape[0], -1))


def wrong_unmerge(m, x):
    batch, steps, _ = x.shape
    folded = m.inner(x.transpose(0, 1).reshape(steps * batch, -1))
    return m.head(folded.view(batch, steps, -1))


def channels_last_by_view(m, x):
    batch, height, width, channels = x.shape
    return m.head(m.conv(x.view(batch, channels, height, width)).mean((2, 3)))


def patches_without_permute(m, x):
    batch, channels, height, width = x.shape
    cut = x.reshape(batch, channels, height // 4, 4, width // 4, 4)
    return m.head(cut.reshape(batch, (height // 4) * (width // 4), channels * 16))


def shuffle_without_transpose(m, x):
    batch, _, height, width = x.shape
    mixed = m.conv(x).view(batch, 2, 4, height, width).view(batch, 8, height, width)
    return m.head(mixed.mean((2, 3)))


def position_of_sample(m, ids):
    embedded = m.emb(ids)
    return m.head(m.encoder(embedded + m.table[: embedded.shape[0]].unsqueeze(1)))


def position_looked_up_by_sample(m, ids):
    embedded = m.emb(ids)
    places = m.places(torch.arange(ids.size(0))).unsqueeze(1)
    return m.head(m.encoder(embedded + places))


def lengths_ignored(m, x, lengths):
    return m.head(m.rnn(x)[0][:, -1])


def sample_taken(m, ids):
    return m.head(m.rnn(m.emb(ids))[0][-1])


def pooled_over_batch(m, ids):
    return m.head(m.rnn(m.emb(ids))[0].mean(dim=0))


def normalised_over_batch(m, x):
    return F.normalize(m.body(x), dim=0)


def tokens_by_view(m, x):
    batch, channels, height, width = m.conv(x).shape
    tokens = m.conv(x).view(batch, height * width, channels)
    return m.attend(tokens, tokens, tokens)[0]


def map_by_view(m, x):
    tokens = m.conv(x).flatten(2).transpose(1, 2)
    batch, count, channels = tokens.shape
    return m.head(tokens.reshape(batch, channels, 4, count // 4))


def position_in_own_attention(m, ids):
    h = m.emb(ids)
    h = h + m.table[: h.size(0), None]
    return m.head(torch.softmax(h @ h.transpose(1, 2), -1) @ h)


def gate_a_sample(m, x):
    return x * torch.sigmoid(m.gate(x.mean(1)))


def squeezed(m, x):
    return m.head(m.body(x)).squeeze()


WRONG = {
    "positions of the samples in attention by hand": (
        lambda: Program(
            position_in_own_attention, **embedded(head=nn.Linear(16, 3), table=nn.Parameter(torch.randn(60, 16)))
        ),
        words(),
        "SW604",
        "add",
    ),
    "tokens made of a feature map by a view": (
        lambda: Program(
            tokens_by_view, conv=nn.Conv2d(3, 8, 4, 4), attend=nn.MultiheadAttention(8, 2, batch_first=True)
        ),
        images(),
        "SW601",
        "view",
    ),
    "a feature map made of tokens by a reshape": (
        lambda: Program(map_by_view, conv=nn.Conv2d(3, 8, 4, 4), head=nn.Conv2d(8, 3, 1)),
        images(size=24),
        "SW601",
        "reshape",
    ),
    "a vector a sample along time": (
        lambda: Program(gate_a_sample, gate=nn.Linear(10, 10)),
        series(9, 9),
        "SW611",
        "mul",
    ),
    "squeeze of a batch of one": (
        lambda: Program(squeezed, body=nn.Linear(10, 8), head=nn.Linear(8, 1)),
        rows(1),
        "SW612",
        "squeeze",
    ),
    "heads split by a reshape": (lambda: Program(heads_by_view, **attention()), series(), "SW601", "reshape"),
    "class axis moved by a view": (lambda: Program(classes_by_view, head=nn.Linear(10, 4)), series(), "SW601", "view"),
    "time brought first by a reshape": (
        lambda: Program(seq_first_by_reshape, **embedded(rnn=nn.GRU(16, 12), head=nn.Linear(12, 3))),
        words(),
        "SW601",
        "reshape",
    ),
    "states of both directions viewed": (
        lambda: Program(
            states_by_view,
            **embedded(rnn=nn.LSTM(16, 12, bidirectional=True, batch_first=True), head=nn.Linear(24, 3)),
        ),
        words(),
        "SW601",
        "view",
    ),
    "time-major rows unfolded as batch-major": (
        lambda: Program(wrong_unmerge, inner=nn.Linear(10, 12), head=nn.Linear(12, 3)),
        series(),
        "SW621",
        "view",
    ),
    "channels brought first by a view": (
        lambda: Program(channels_last_by_view, conv=nn.Conv2d(3, 8, 3), head=nn.Linear(8, 4)),
        images().permute(0, 2, 3, 1).contiguous(),
        "SW601",
        "view",
    ),
    "patches without a permute": (
        lambda: Program(patches_without_permute, head=nn.Linear(48, 8)),
        images(),
        "SW602",
        "reshape",
    ),
    "channel shuffle without a transpose": (
        lambda: Program(shuffle_without_transpose, conv=nn.Conv2d(3, 8, 3, padding=1), head=nn.Linear(8, 4)),
        images(),
        "SW602",
        "view",
    ),
    "softmax over the batch": (
        lambda: Program(lambda m, x: torch.softmax(m.body(x), dim=0), body=nn.Linear(10, 4)),
        rows(),
        "SW603",
        "softmax",
    ),
    "softmax module over the batch": (
        lambda: nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 4), nn.Softmax(dim=0)),
        rows(),
        "SW603",
        "3",
    ),
    "running sum over the batch": (
        lambda: Program(lambda m, x: m.body(x).cumsum(0), body=nn.Linear(10, 4)),
        series(),
        "SW603",
        "cumsum",
    ),
    "vectors normalised over the batch": (
        lambda: Program(normalised_over_batch, body=nn.Linear(10, 4)),
        rows(),
        "SW603",
        "normalize",
    ),
    "attention without batch_first behind a convolution": (
        lambda: Program(
            lambda m, x: (lambda t: m.attend(t, t, t)[0])(m.conv(x).flatten(2).transpose(1, 2)),
            conv=nn.Conv2d(3, 16, 4, 4),
            attend=nn.MultiheadAttention(16, 4),
        ),
        images(),
        "SW503",
        "attend",
    ),
    "recurrent layer without batch_first, last step of time": (
        lambda: Program(
            lambda m, ids: m.head(m.rnn(m.emb(ids))[0][:, -1]), **embedded(rnn=nn.GRU(16, 12), head=nn.Linear(12, 3))
        ),
        words(),
        "SW503",
        "rnn",
    ),
    "positions of the samples": (
        lambda: Program(
            position_of_sample,
            **embedded(encoder=encoder(), head=nn.Linear(16, 3), table=nn.Parameter(torch.randn(60, 16))),
        ),
        words(),
        "SW604",
        "add",
    ),
    "positions of the samples, looked up": (
        lambda: Program(
            position_looked_up_by_sample,
            **embedded(encoder=encoder(), head=nn.Linear(16, 3), places=nn.Embedding(60, 16)),
        ),
        words(),
        "SW604",
        "add",
    ),
    "last step of both directions": (
        lambda: Program(
            lambda m, x: m.head(m.rnn(x)[0][:, -1, :]),
            rnn=nn.GRU(10, 12, bidirectional=True, batch_first=True),
            head=nn.Linear(24, 3),
        ),
        series(),
        "SW605",
        "rnn",
    ),
    "lengths that nothing reads": (
        lambda: WithLengths(lengths_ignored, rnn=nn.LSTM(10, 12, batch_first=True), head=nn.Linear(12, 3)),
        (series(), torch.tensor([9, 4, 7, 2, 5, 6])),
        "SW606",
        "rnn",
    ),
    "convolution over an embedding": (
        lambda: Program(lambda m, ids: m.conv(m.emb(ids)), **embedded(conv=nn.Conv1d(9, 8, 3))),
        words(),
        "SW607",
        "conv",
    ),
    "weights normalised over the queries": (
        lambda: Program(weights_over_queries, **attention()),
        series(),
        "SW608",
        "softmax",
    ),
    "softmax of one score a step": (
        lambda: Program(lambda m, x: (torch.softmax(m.score(x), dim=-1) * x).sum(1), score=nn.Linear(10, 1)),
        series(),
        "SW609",
        "softmax",
    ),
    "the last sample instead of the last step": (
        lambda: Program(sample_taken, **embedded(rnn=nn.GRU(16, 12, batch_first=True), head=nn.Linear(12, 3))),
        words(),
        "SW610",
        "index",
    ),
    "mean over the samples": (
        lambda: Program(pooled_over_batch, **embedded(rnn=nn.GRU(16, 12, batch_first=True), head=nn.Linear(12, 3))),
        words(),
        "SW610",
        "mean",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_silent_bug_is_found_where_it_is(name):
    make, inputs, code, layer = WRONG[name]
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    findings = found(make(), *inputs)
    assert [(each.code, each.layer) for each in findings][:1] == [(code, layer)]
    assert findings[0].reason
    assert findings[0].fix
    assert findings[0].source is not None
