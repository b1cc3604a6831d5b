"""Programs beside the edges that their layers have, written by hand: what the recording is held against."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

Pair = namedtuple("Pair", "left right")


@dataclass
class Both:
    left: torch.Tensor
    right: torch.Tensor


class Net(nn.Module):
    """Two layers, and a forward that is handed in."""

    def __init__(self, forward):
        super().__init__()
        self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 6)
        self.norm, self.relu = nn.LayerNorm(6), nn.ReLU(inplace=True)
        self.drop, self.same = nn.Dropout(0.5), nn.Identity()
        self.rnn = nn.LSTM(6, 3, batch_first=True, bidirectional=True)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self._forward = forward

    def forward(self, x):
        return self._forward(self, x)


def into_slices(m, x):
    out = torch.empty(x.shape)
    out[..., :3] = m.a(x)[..., :3]
    out[..., 3:] = m.b(x)[..., 3:]
    return m.norm(out)


def in_place(m, x):
    h = m.a(x)
    h += m.b(x)
    return m.norm(h)


def through_a_view(m, x):
    h = m.a(x)
    h.view(-1)[0] = 0.0
    return m.b(h)


def written_out(m, x):
    out = torch.empty(x.shape)
    torch.add(m.a(x), m.b(x), out=out)
    return m.norm(out)


def packed(m, x):
    packed_input = pack_padded_sequence(m.a(x), torch.tensor([4, 3, 2]), batch_first=True)
    states, _ = m.rnn(packed_input)
    return m.b(pad_packed_sequence(states, batch_first=True)[0])


def edges(text):
    """Edges written as "x>a a>b b>output"."""
    return {tuple(edge.split(">")) for edge in text.split()}


def dead_branch(m, x):
    m.b(x)
    return m.a(x)


def loop(m, x):
    for _ in range(3):
        x = m.a(x)
    return x


def gathered(m, x):
    order = m.a(x).argsort(-1)
    return m.b(x).gather(-1, order)


def masked_fill(m, x):
    h = m.a(x)
    h[h < 0] = 0.0
    h[:, 0] = m.b(x)[:, 0]
    return m.norm(h)


def written_through_a_chunk(m, x):
    left, right = m.a(x).chunk(2, -1)
    left.mul_(right)
    return m.norm(left.repeat(1, 1, 2))


def swapped_data(m, x):
    h = m.a(x)
    h.data = m.b(x)
    return m.norm(h)


def in_a_list(m, x):
    seen = []
    for layer in (m.a, m.b):
        seen.append(layer(x if not seen else seen[-1]))
    return torch.stack(seen).mean(0)


def scaled_by_a_number(m, x):
    return m.b(x) * m.a(x).mean().item()


def through_a_list(m, x):
    return m.b(torch.tensor(m.a(x).tolist()))


def through_numpy(m, x):
    return m.b(torch.from_numpy(m.a(x).numpy()))


def computed_in_numpy(m, x):
    return m.b(torch.from_numpy(np.tanh(m.a(x).numpy())))


def mapped_over_the_batch(m, x):
    return torch.vmap(lambda row: m.b(m.a(row)).tanh())(x)


def indexed_by_a_layer(m, x):
    best = m.a(x).argmax(1)
    return m.b(x)[torch.arange(3)[:, None], best]


def memory_and_query(m, x):
    kept, _ = m.attention(m.a(x), x, m.b(x), need_weights=False)
    return m.norm(x + kept)


def no_gradients_inside(m, x):
    with torch.no_grad():
        h = m.a(x)
    return m.b(h.detach())


GRAPHS = {
    "chain": (lambda m, x: m.b(F.relu(m.a(x))), {("x", "a"), ("a", "b"), ("b", "output")}),
    "residual": (lambda m, x: m.norm(x + m.a(x)), {("x", "a"), ("x", "norm"), ("a", "norm"), ("norm", "output")}),
    "reused": (lambda m, x: m.a(m.a(x)), {("x", "a"), ("a", "a#2"), ("a#2", "output")}),
    "in-place operator": (in_place, {("x", "a"), ("x", "b"), ("a", "norm"), ("b", "norm"), ("norm", "output")}),
    "in-place layer": (lambda m, x: m.b(m.relu(m.a(x))), {("x", "a"), ("a", "relu"), ("relu", "b"), ("b", "output")}),
    "written through a view": (through_a_view, {("x", "a"), ("a", "b"), ("b", "output")}),
    "written into slices": (into_slices, {("x", "a"), ("x", "b"), ("a", "norm"), ("b", "norm"), ("norm", "output")}),
    "out argument": (written_out, {("x", "a"), ("x", "b"), ("a", "norm"), ("b", "norm"), ("norm", "output")}),
    "identity and dropout": (
        lambda m, x: m.drop(m.same(m.a(x))),
        {("x", "a"), ("a", "same"), ("same", "drop"), ("drop", "output")},
    ),
    "concatenation": (
        lambda m, x: m.norm(torch.cat([m.a(x)[..., :3], m.b(x)[..., 3:]], -1)),
        {("x", "a"), ("x", "b"), ("a", "norm"), ("b", "norm"), ("norm", "output")},
    ),
    "einsum": (
        lambda m, x: torch.einsum("btf,bsf->bts", m.a(x), m.b(x)),
        {("x", "a"), ("x", "b"), ("a", "output"), ("b", "output")},
    ),
    "attention": (
        lambda m, x: m.attention(m.a(x), m.b(x), x)[0],
        {("x", "a"), ("x", "b"), ("a", "attention"), ("b", "attention"), ("x", "attention"), ("attention", "output")},
    ),
    "recurrent state": (
        lambda m, x: m.b(torch.cat([*m.rnn(x)[1][0]], -1)),
        {("x", "rnn"), ("rnn", "b"), ("b", "output")},
    ),
    "packed sequence": (packed, {("x", "a"), ("a", "rnn"), ("rnn", "b"), ("b", "output")}),
    "dict": (
        lambda m, x: {"one": m.a(x), "two": m.b(x)},
        {("x", "a"), ("x", "b"), ("a", "output"), ("b", "output")},
    ),
    "dataclass": (
        lambda m, x: Both(m.a(x), m.b(x)),
        {("x", "a"), ("x", "b"), ("a", "output"), ("b", "output")},
    ),
    "namedtuple": (lambda m, x: Pair(m.a(x), x), {("x", "a"), ("a", "output"), ("x", "output")}),
    "property": (lambda m, x: m.b(m.a(x).mT.mT), {("x", "a"), ("a", "b"), ("b", "output")}),
    "data": (lambda m, x: m.b(m.a(x).data), {("x", "a"), ("a", "b"), ("b", "output")}),
    "split and join": (
        lambda m, x: m.b(torch.stack(m.a(x).unbind(1), 1)),
        {("x", "a"), ("a", "b"), ("b", "output")},
    ),
    "control flow": (
        lambda m, x: m.a(x) if x.shape[0] > 1 else m.b(x),
        {("x", "a"), ("a", "output")},
    ),
    "where": (
        lambda m, x: torch.where(x > 0, m.a(x), m.b(x)),
        {("x", "a"), ("x", "b"), ("x", "output"), ("a", "output"), ("b", "output")},
    ),
    "functional weights": (lambda m, x: F.linear(m.a(x), m.b.weight), {("x", "a"), ("a", "output")}),
    "dead branch": (dead_branch, edges("x>b x>a a>output")),
    "loop": (loop, edges("x>a a>a#2 a#2>a#3 a#3>output")),
    "gather": (gathered, edges("x>a x>b a>output b>output")),
    "masked in place": (masked_fill, edges("x>a x>b a>norm b>norm norm>output")),
    "written through a chunk": (written_through_a_chunk, edges("x>a a>norm norm>output")),
    "data swapped": (swapped_data, edges("x>a x>b b>norm norm>output")),
    "kept in a list": (in_a_list, edges("x>a a>b a>output b>output")),
    "number": (scaled_by_a_number, edges("x>a x>b a>output b>output")),
    "list of numbers": (through_a_list, edges("x>a a>b b>output")),
    "NumPy and back": (through_numpy, edges("x>a a>b b>output")),
    "computed in NumPy": (computed_in_numpy, edges("x>a a>b b>output")),
    "vmap": (mapped_over_the_batch, edges("x>a a>b b>output")),
    "indexed": (indexed_by_a_layer, edges("x>a x>b a>output b>output")),
    "query, key and value": (
        memory_and_query,
        edges("x>a x>b x>attention a>attention b>attention x>norm attention>norm norm>output"),
    ),
    "detached": (no_gradients_inside, edges("x>a a>b b>output")),
    "nested tuple": (lambda m, x: (m.a(x), (m.b(x), [x])), edges("x>a x>b a>output b>output x>output")),
    "broadcast with a weight": (lambda m, x: m.a(x) * m.b.weight[0] + m.b.bias, edges("x>a a>output")),
    "argument by keyword": (lambda m, x: m.b(input=m.a(input=x)), edges("x>a a>b b>output")),
    "clone and copy": (lambda m, x: torch.empty_like(x).copy_(m.a(x)), edges("x>a a>output")),
    "scatter": (
        lambda m, x: torch.zeros(3, 4, 6).scatter_(1, torch.zeros(3, 4, 6, dtype=torch.long), m.a(x)),
        edges("x>a a>output"),
    ),
}
