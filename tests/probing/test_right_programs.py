"""Programs that look as odd as the silent bugs, and are right."""

from __future__ import annotations

import math

import pytest
import torch
from silent_programs import Program, WithLengths, attention, embedded, encoder, found, images, rows, series, words
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def merged_and_back(m, x):
    batch, steps, _ = x.shape
    return m.head(m.inner(x.reshape(batch * steps, -1))).view(batch, steps, -1)


def heads_and_back(m, x):
    batch, steps, width = x.shape
    q, k, v = (part.view(batch, steps, 5, width // 5).transpose(1, 2) for part in (m.q(x), m.k(x), m.v(x)))
    mixed = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(width), -1) @ v
    return mixed.transpose(1, 2).contiguous().view(batch, steps, width)


def linear_attention(m, x):
    q, k, v = torch.softmax(m.q(x), -1), torch.softmax(m.k(x), 1), m.v(x)
    return q @ (k.transpose(1, 2) @ v)


def packed(m, x, lengths):
    inside = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    out, _ = pad_packed_sequence(m.rnn(inside)[0], batch_first=True)
    return m.head(out[torch.arange(len(x)), lengths - 1])


def patches_with_permute(m, x):
    batch, channels, height, width = x.shape
    cut = x.reshape(batch, channels, height // 4, 4, width // 4, 4).permute(0, 2, 4, 1, 3, 5)
    return m.head(cut.reshape(batch, (height // 4) * (width // 4), channels * 16))


def shuffled(m, x):
    batch, channels, height, width = m.conv(x).shape
    return (
        m.conv(x).view(batch, 2, channels // 2, height, width).transpose(1, 2).reshape(batch, channels, height, width)
    )


def mixup(m, x):
    order = torch.randperm(len(x))
    return m.body(0.7 * x + 0.3 * x[order])


def relative_scores(m, x):
    scores = m.q(x) @ m.k(x).transpose(1, 2)
    batch, steps, _ = scores.shape
    padded = F.pad(scores, (1, 0)).view(batch, steps + 1, steps)
    return torch.softmax(padded[:, 1:].reshape(batch, steps, steps), -1) @ m.v(x)


def both_ends(m, x):
    out, _ = m.rnn(x)
    return m.head(torch.cat([out[:, -1, :12], out[:, 0, 12:]], -1))


def minibatch_deviation(m, x):
    h = m.body(x)
    spread = h.std(0).mean().expand(len(h), 1)
    return m.head(torch.cat([h, spread], 1))


def own_batch_norm(m, x):
    h = m.body(x)
    return m.head((h - h.mean(0)) / (h.std(0) + 1e-5))


def triplet(m, a, p, n):
    return (m.body(a) - m.body(p)).norm(dim=1) - (m.body(a) - m.body(n)).norm(dim=1)


def vae(m, x):
    mean, spread = m.body(x).chunk(2, -1)
    return m.head(mean + torch.randn_like(spread) * spread.exp())


def unet(m, x):
    low = m.down(x)
    high = F.interpolate(m.mid(low), scale_factor=2)
    return m.up(torch.cat([high, x], 1))


def seq2seq(m, source, target):
    memory, state = m.encoder(m.emb(source))
    out, _ = m.decoder(m.emb(target), state)
    weights = torch.softmax(torch.bmm(out, memory.transpose(1, 2)), -1)
    return m.head(torch.cat([out, torch.bmm(weights, memory)], -1))


def graph_convolution(m, nodes, edges):
    h = m.body(nodes)
    gathered = torch.zeros_like(h).index_add(0, edges[1], h[edges[0]])
    return m.head(torch.relu(gathered))


def multiple_instances(m, x):
    h = m.body(x)
    return m.head((torch.softmax(m.score(h), 0) * h).sum(0))


def time_major(m, x):
    return m.head(m.rnn(x)[0][-1])


def time_major_attention(m, x):
    h = x + m.table[: x.shape[0]].unsqueeze(1)
    return m.head(m.attend(h, h, h)[0])


def pooled_by_score(m, x):
    return (torch.softmax(m.score(x), dim=1) * x).sum(1)


def token_mixing(m, ids):
    return m.head(m.mix(m.emb(ids)).mean(1))


def similarities(m, a, b):
    a, b = F.normalize(m.body(a), dim=-1), F.normalize(m.body(b), dim=-1)
    return a @ b.T / 0.07


def batch_attention(m, x):
    h = m.body(x)
    return m.head(torch.softmax(h @ h.T, -1) @ h)


def assigned(m, x):
    groups = torch.softmax(m.score(x), -1)
    return m.head(groups.transpose(1, 2) @ x)


def cosine_table(m, ids):
    h = m.emb(ids)
    return m.encoder(h + m.table[:, : h.shape[1]])


def stepwise(m, x):
    state = x.new_zeros(len(x), 12)
    states = []
    for step in range(x.shape[1]):
        state = m.cell(x[:, step], state)
        states.append(state)
    return m.head(torch.stack(states, 1))


def stepwise_time_major(m, x):
    state = x.new_zeros(x.shape[1], 12)
    states = []
    for step in x:
        state = m.cell(step, state)
        states.append(state)
    return m.head(torch.stack(states))


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.one = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU())
        self.two = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels))

    def forward(self, x):
        return F.relu(x + self.two(self.one(x)))


def mlp(*more):
    return nn.Sequential(nn.Linear(10, 16), *more, nn.Linear(16, 4))


def tokens_by_flatten(m, x):
    tokens = m.conv(x).flatten(2).transpose(1, 2)
    batch, count, channels = tokens.shape
    tokens = m.attend(tokens, tokens, tokens)[0]
    return m.head(tokens.transpose(1, 2).reshape(batch, channels, 4, count // 4))


RIGHT = {
    "tokens of a feature map and back": (
        lambda: Program(
            tokens_by_flatten,
            conv=nn.Conv2d(3, 8, 4, 4),
            attend=nn.MultiheadAttention(8, 2, batch_first=True),
            head=nn.Conv2d(8, 3, 1),
        ),
        images(size=24),
    ),
    "batch and sequence of one size": (
        lambda: Program(lambda m, x: x * torch.sigmoid(m.gate(x.mean(1)))[:, None], gate=nn.Linear(10, 10)),
        series(9, 9),
    ),
    "decoder from a vector": (
        lambda: nn.Sequential(nn.Linear(10, 128), nn.Unflatten(1, (8, 4, 4)), nn.ConvTranspose2d(8, 3, 2, 2)),
        rows(),
    ),
    "batch norm in training": (lambda: mlp(nn.BatchNorm1d(16), nn.ReLU()), rows()),
    "batch norm without statistics": (lambda: mlp(nn.BatchNorm1d(16, track_running_stats=False)), rows()),
    "layer norm and dropout": (lambda: mlp(nn.LayerNorm(16), nn.Dropout(0.5)), rows()),
    "group norm": (lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.ReLU()), images()),
    "instance norm": (lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.InstanceNorm2d(8), nn.ReLU()), images()),
    "residual block": (lambda: nn.Sequential(nn.Conv2d(3, 8, 3), Residual(8), Residual(8)), images()),
    "contrastive similarities": (lambda: Program(similarities, body=nn.Linear(10, 8)), (rows(), rows() + 1)),
    "pairwise differences": (
        lambda: Program(lambda m, x: (m.body(x)[:, None] - m.body(x)[None]).norm(dim=-1), body=nn.Linear(10, 4)),
        rows(),
    ),
    "pairwise distances": (
        lambda: Program(lambda m, x: torch.cdist(m.body(x), m.body(x)), body=nn.Linear(10, 4)),
        rows(),
    ),
    "attention among the samples": (
        lambda: Program(batch_attention, body=nn.Linear(10, 8), head=nn.Linear(8, 3)),
        rows(),
    ),
    "mixup": (lambda: Program(mixup, body=mlp()), rows()),
    "flipped batch": (lambda: Program(lambda m, x: m.body(x) + m.body(x.flip(0)), body=mlp()), rows()),
    "rolled batch": (lambda: Program(lambda m, x: m.body(x) - m.body(x.roll(1, 0)), body=mlp()), rows()),
    "triplets": (lambda: Program(triplet, body=mlp()), (rows(), rows() + 1, rows() - 1)),
    "deviation of the batch": (
        lambda: Program(minibatch_deviation, body=nn.Linear(10, 8), head=nn.Linear(9, 1)),
        rows(),
    ),
    "own batch norm": (lambda: Program(own_batch_norm, body=nn.Linear(10, 8), head=nn.Linear(8, 3)), rows()),
    "time-distributed": (
        lambda: Program(merged_and_back, inner=nn.Linear(10, 12), head=nn.Linear(12, 3)),
        series(),
    ),
    "heads by view and transpose": (lambda: Program(heads_and_back, **attention()), series()),
    "linear attention": (lambda: Program(linear_attention, **attention()), series()),
    "relative positions by a shifted view": (lambda: Program(relative_scores, **attention()), series()),
    "packed sequences": (
        lambda: WithLengths(packed, rnn=nn.LSTM(10, 12, batch_first=True), head=nn.Linear(12, 3)),
        (series(), torch.tensor([9, 4, 7, 2, 5, 6])),
    ),
    "patches with a permute": (lambda: Program(patches_with_permute, head=nn.Linear(48, 8)), images()),
    "channel shuffle": (lambda: Program(shuffled, conv=nn.Conv2d(3, 8, 3)), images()),
    "pixel shuffle": (lambda: nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.PixelShuffle(2)), images()),
    "both directions, each at its end": (
        lambda: Program(both_ends, rnn=nn.GRU(10, 12, bidirectional=True, batch_first=True), head=nn.Linear(24, 3)),
        series(),
    ),
    "states of both directions joined": (
        lambda: Program(
            lambda m, x: m.head(torch.cat(tuple(m.rnn(x)[1][-2:]), -1)),
            rnn=nn.GRU(10, 12, bidirectional=True, batch_first=True),
            head=nn.Linear(24, 3),
        ),
        series(),
    ),
    "last step of one direction": (
        lambda: Program(
            lambda m, x: m.head(m.rnn(x)[0][:, -1]), rnn=nn.GRU(10, 12, batch_first=True), head=nn.Linear(12, 3)
        ),
        series(),
    ),
    "variational autoencoder": (lambda: Program(vae, body=nn.Linear(10, 8), head=nn.Linear(4, 10)), rows()),
    "u-net": (
        lambda: Program(
            unet,
            down=nn.Conv2d(3, 8, 3, 2, 1),
            mid=nn.Conv2d(8, 8, 3, padding=1),
            up=nn.Conv2d(11, 3, 3, padding=1),
        ),
        images(),
    ),
    "sequence to sequence": (
        lambda: Program(
            seq2seq,
            **embedded(
                encoder=nn.GRU(16, 12, batch_first=True),
                decoder=nn.GRU(16, 12, batch_first=True),
                head=nn.Linear(24, 40),
            ),
        ),
        (words(), words(steps=5)),
    ),
    "graph convolution": (
        lambda: Program(graph_convolution, body=nn.Linear(10, 8), head=nn.Linear(8, 3)),
        (rows(7), torch.randint(0, 3, (2, 15))),
    ),
    "bag of instances": (
        lambda: Program(multiple_instances, body=nn.Linear(10, 8), score=nn.Linear(8, 1), head=nn.Linear(8, 2)),
        rows(),
    ),
    "time-major, last step": (
        lambda: Program(time_major, rnn=nn.LSTM(10, 12), head=nn.Linear(12, 3)),
        series(9, 6),
    ),
    "time-major attention with positions": (
        lambda: Program(
            time_major_attention,
            attend=nn.MultiheadAttention(10, 2),
            head=nn.Linear(10, 3),
            table=nn.Parameter(torch.randn(50, 10)),
        ),
        series(9, 6),
    ),
    "time-major steps by hand": (
        lambda: Program(stepwise_time_major, cell=nn.GRUCell(10, 12), head=nn.Linear(12, 3)),
        series(9, 6),
    ),
    "steps by hand": (lambda: Program(stepwise, cell=nn.GRUCell(10, 12), head=nn.Linear(12, 3)), series()),
    "one sentence": (
        lambda: Program(
            lambda m, ids: m.head(m.rnn(m.emb(ids).view(len(ids), 1, -1))[0].view(len(ids), -1)),
            **embedded(rnn=nn.LSTM(16, 12), head=nn.Linear(12, 3)),
        ),
        words(1, 9)[0],
    ),
    "attention pooling": (lambda: Program(pooled_by_score, score=nn.Linear(10, 1)), series()),
    "soft assignment to groups": (
        lambda: Program(assigned, score=nn.Linear(10, 4), head=nn.Linear(10, 3)),
        series(),
    ),
    "token mixing by a pointwise convolution": (
        lambda: Program(token_mixing, **embedded(mix=nn.Conv1d(9, 9, 1), head=nn.Linear(16, 3))),
        words(),
    ),
    "positions along time": (
        lambda: Program(cosine_table, **embedded(encoder=encoder(), table=nn.Parameter(torch.randn(1, 60, 16)))),
        words(),
    ),
    "transformer of torch": (
        lambda: nn.Transformer(16, 4, 1, 1, 32, dropout=0.1, batch_first=True),
        (series(features=16), series(steps=5, features=16)),
    ),
    "encoder in evaluation": (
        lambda: nn.TransformerEncoder(encoder(), 2, enable_nested_tensor=False).eval(),
        series(features=16),
    ),
    "convolution over time": (
        lambda: Program(
            lambda m, ids: m.conv(m.emb(ids).transpose(1, 2)).amax(-1), **embedded(conv=nn.Conv1d(16, 8, 3))
        ),
        words(),
    ),
    "noise and gates": (
        lambda: Program(lambda m, x: torch.sigmoid(m.gate(x)) * (x + torch.randn(len(x), 1)), gate=nn.Linear(10, 10)),
        rows(),
    ),
    "stable exponentials": (
        lambda: Program(lambda m, x: torch.softmax(m.body(x) - m.body(x).max(), -1), body=nn.Linear(10, 4)),
        rows(),
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_program_is_left_in_peace(name):
    make, inputs = RIGHT[name]
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    assert [(each.code, each.layer, each.reason) for each in found(make(), *inputs)] == []
