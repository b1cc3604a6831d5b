"""Statistics, masks, weights and orders along an axis that was not meant: found and mended; when right, clean.

Every program takes `right`; the wrong one has the finding with a fix that held, the right one has none above a note.
"""

from __future__ import annotations

import math

import pytest
import torch
from silent_programs import Program, embedded, found, images, rows, series, words
from torch import nn
from torch.nn import functional as F


def advantage(right):
    def forward(m, x):
        gain = m.gain(m.body(x).relu().flatten(1))
        return gain - gain.mean(1, keepdim=True) if right else gain - gain.mean()

    return Program(forward, body=nn.Conv2d(3, 4, 4, 4), gain=nn.Linear(64, 7)), (images(),), {}


def spread_of_batch(right):
    def forward(m, x):
        spread = x.std(dim=(1, 2), keepdim=True) if right else x.std()
        return m.head(m.rnn(x / spread)[0][:, -1])

    return Program(forward, rnn=nn.GRU(10, 8, batch_first=True), head=nn.Linear(8, 4)), (series(),), {}


def scaled_series(right):
    def forward(m, x):
        level = torch.mean(x, dim=1, keepdim=True) if right else torch.mean(x, dim=0, keepdim=True)
        return m.head(m.rnn(x - level)[0][:, -1])

    return Program(forward, rnn=nn.GRU(10, 12, batch_first=True), head=nn.Linear(12, 3)), (series(),), {}


def rows_masked(right):
    def forward(m, ids):
        h, kept = m.emb(ids), (ids != 3)[:, None, :] if right else (ids != 3)[:, :, None]
        scores = (m.q(h) @ m.k(h).transpose(1, 2) / 4).masked_fill(~kept, -1e4)
        return scores.softmax(-1) @ h

    return Program(forward, **embedded(q=nn.Linear(16, 16), k=nn.Linear(16, 16))), (words(),), {}


def rows_masked_by_where(right):
    def forward(m, ids):
        h, kept = m.emb(ids), ids.ne(3).unsqueeze(1 if right else 2)
        scores = m.q(h) @ h.transpose(1, 2)
        return torch.where(kept, scores, torch.full_like(scores, -1e4)).softmax(-1) @ h

    return Program(forward, **embedded(q=nn.Linear(16, 16))), (words(),), {}


def copies(right):
    def forward(m, source, candidates):
        batch, count, steps = candidates.shape
        memory = m.emb(source).mean(1)
        memory = memory.repeat_interleave(count, dim=0) if right else memory.repeat(count, 1)
        hypotheses = m.emb(candidates.reshape(batch * count, steps)).mean(1)
        return (memory * hypotheses).sum(-1).view(batch, count)

    return Program(forward, **embedded()), (words(), torch.randint(1, 40, (6, 4, 5))), {}


def masks_of_heads(right):
    def forward(m, x, hidden):
        every = hidden[:, None].expand(-1, x.size(1), -1)
        every = every.repeat_interleave(2, 0) if right else every.repeat(2, 1, 1)
        return m.attend(x, x, x, attn_mask=every)[0]

    hidden = torch.zeros(6, 9, dtype=torch.bool)
    hidden[2, 5:] = hidden[4, 3:] = True
    return Program(forward, attend=nn.MultiheadAttention(10, 2, batch_first=True)), (series(), hidden), {}


def flattened_apart(right):
    def loss(outputs, tags):
        return F.cross_entropy(outputs.flatten(0, 1), (tags if right else tags.t()).flatten())

    model = Program(lambda m, ids: m.head(m.rnn(m.emb(ids))[0]), **embedded(
        rnn=nn.GRU(16, 12, batch_first=True), head=nn.Linear(12, 5)))  # fmt: skip
    return model, (words(),), {"loss": loss, "targets": torch.randint(0, 5, (6, 9))}


def weighted_classes(right):
    def loss(outputs, given):
        labels, weights = given
        each = F.cross_entropy(outputs, labels, reduction="none") if right else F.cross_entropy(outputs, labels)
        return (each * weights).sum() / weights.sum()

    return nn.Linear(10, 5), (rows(),), {"loss": loss, "targets": (torch.randint(0, 5, (6,)), torch.rand(6))}


def masked_errors(right):
    def loss(outputs, given):
        values, kept = given
        error = (outputs - values).pow(2)
        return ((error.mean(-1) if right else error.mean()) * kept).sum() / kept.sum()

    targets = (torch.randn(6, 9, 4), (torch.arange(9) < torch.tensor([[9], [4], [6], [2], [9], [5]])).float())
    return Program(lambda m, x: m.head(x), head=nn.Linear(10, 4)), (series(),), {"loss": loss, "targets": targets}


def compared_patches(right):
    def loss(outputs, wanted):
        return 1 - F.cosine_similarity(outputs, wanted, dim=-1 if right else 1).mean()

    def forward(m, x):
        return m.head(m.cut(x).flatten(2).transpose(1, 2))

    model = Program(forward, cut=nn.Conv2d(3, 8, 4, 4), head=nn.Linear(8, 6))
    return model, (images(),), {"loss": loss, "targets": torch.randn(4, 16, 6)}


def normalised_words(right):
    def forward(m, ids):
        h = m.head(m.emb(ids))
        return F.normalize(h, dim=-1) if right else F.normalize(h)

    return Program(forward, **embedded(head=nn.Linear(16, 6))), (words(),), {}


def alike_steps(right):
    def forward(m, x):
        one, other = (F.normalize(part(x), dim=-1 if right else 1) for part in (m.q, m.k))
        return torch.einsum("bid,bjd->bij", one, other)

    return Program(forward, q=nn.Linear(10, 6), k=nn.Linear(10, 6)), (series(),), {}


def alike_features():
    """Features compared over the steps: the length along time is that of what the product sums over."""

    def forward(m, x):
        one, other = F.normalize(m.q(x), dim=1), F.normalize(m.k(x), dim=1)
        return m.head(F.normalize(m.q(x), dim=1)), one.transpose(1, 2) @ other

    return Program(forward, q=nn.Linear(10, 6), k=nn.Linear(10, 6), head=nn.Linear(6, 2)), (series(),), {}


def gram_of_all(m, x):
    h = m.cut(x)
    b, c, height, width = h.shape
    rows = h.view(b * c, height * width)
    return torch.matmul(rows, rows.t())


def gram_of_each(m, x):
    rows = m.cut(x).flatten(2)
    return rows @ rows.mT


def gram(right):
    return Program(gram_of_each if right else gram_of_all, cut=nn.Conv2d(3, 8, 4, 4)), (images(),), {}


def gram_taken_apart(m, x):
    h = m.cut(x)
    rows = h.flatten(0, 1).flatten(1)
    return torch.einsum("bibj->bij", (rows @ rows.T).view(*h.shape[:2], *h.shape[:2]))


def likeness_of_samples(m, x):
    rows = m.cut(x).flatten(1)
    return rows @ rows.T


@pytest.mark.parametrize(("forward", "samples"), [(gram_taken_apart, 4), (likeness_of_samples, 4), (gram_of_all, 1)])
def test_gram_matrices_on_purpose_are_right(forward, samples):
    assert found(Program(forward, cut=nn.Conv2d(3, 8, 4, 4)), images()[:samples]) == []


def heads_left_behind(right):
    def forward(m, x):
        q, k, v = (part(x).unflatten(-1, (2, 5)) for part in (m.q, m.k, m.v))
        if right:
            q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return (mixed.transpose(1, 2) if right else mixed).reshape(x.shape)

    return Program(forward, q=nn.Linear(10, 10), k=nn.Linear(10, 10), v=nn.Linear(10, 10)), (series(),), {}


def heads_left_behind_by_hand(right):
    def forward(m, x):
        def heads(part):
            split = part(x).view(*x.shape[:2], 2, 5)
            return split.transpose(1, 2) if right else split

        weights = (heads(m.q) @ heads(m.k).transpose(-2, -1) / math.sqrt(5)).softmax(-1)
        mixed = weights @ heads(m.v)
        return (mixed.transpose(1, 2) if right else mixed).reshape(x.shape)

    return Program(forward, q=nn.Linear(10, 10), k=nn.Linear(10, 10), v=nn.Linear(10, 10)), (series(),), {}


def branches_weighed_over_samples(right):
    def forward(m, x):
        branches = torch.stack([m.a(x), m.b(x), m.c(x)])
        weights = torch.softmax(branches.mean(-1, keepdim=True), dim=0 if right else 1)
        return (weights * branches).sum(0)

    return Program(forward, a=nn.Linear(10, 8), b=nn.Linear(10, 8), c=nn.Linear(10, 8)), (rows(),), {}


def weights_over_heads(right):
    def forward(m, x):
        q, k, v = (part(x).unflatten(-1, (2, 5)).transpose(1, 2) for part in (m.q, m.k, m.v))
        scores = torch.einsum("bhqd,bhkd->bhqk", q, k)
        weights = scores.softmax(dim=-1 if right else 1)
        return torch.einsum("bhqk,bhkd->bhqd", weights, v).transpose(1, 2).flatten(2)

    return Program(forward, q=nn.Linear(10, 10), k=nn.Linear(10, 10), v=nn.Linear(10, 10)), (series(),), {}


def gain_less_the_mean(right):
    def forward(m, x):
        gain = m.gain(x)
        return m.value(x) + (gain - gain.mean(dim=1 if right else 0, keepdim=True))

    return Program(forward, gain=nn.Linear(10, 4), value=nn.Linear(10, 1)), (rows(),), {}


def tokens_compared(right):
    def forward(m, x, y):
        x, y = m.q(x), m.q(y)
        return F.cosine_similarity(x, y, dim=-1) if right else F.cosine_similarity(x, y)

    return Program(forward, q=nn.Linear(10, 6)), (series(), series() + 1), {}


def normalised_after_attention(right):
    def forward(m, x):
        h = x + m.attend(x, x, x)[0]
        axis = -1 if right else 1
        mean = h.mean(axis, keepdim=True)
        deviation = h.var(axis, keepdim=True) + 1e-5
        return m.gain * (h - mean) / deviation.sqrt()

    layers = {"attend": nn.MultiheadAttention(10, 2, batch_first=True), "gain": nn.Parameter(torch.ones(10))}
    return Program(forward, **layers), (series(),), {}


def normalised_twice(right):
    def forward(m, x):
        h = F.normalize(m.q(x), dim=1 if right else 0)
        h = m.k(h)
        return F.normalize(h, dim=1 if right else 0)

    return Program(forward, q=nn.Linear(10, 6), k=nn.Linear(6, 4)), (rows(),), {}


def distilled(right):
    def loss(outputs, wanted):
        def classes(maps):
            maps = maps.permute(0, 2, 3, 1).contiguous() if right else maps
            return maps.view(-1, 7)

        return F.kl_div(classes(outputs).log_softmax(1), classes(wanted).softmax(1), reduction="batchmean")

    return nn.Conv2d(3, 7, 1), (images(),), {"loss": loss, "targets": torch.randn(4, 7, 16, 16)}


PROGRAMS = {
    "weights over the heads": (weights_over_heads, "SW608", "softmax"),
    "gain less the mean of the samples": (gain_less_the_mean, "SW603", "mean"),
    "tokens compared along time": (tokens_compared, "SW618", "cosine_similarity"),
    "normalised over the steps": (normalised_after_attention, "SW613", "mean"),
    "normalised over the batch twice": (normalised_twice, "SW603", "normalize"),
    "classes read off neighbouring pixels": (distilled, "SW601", "view"),
    "gain over the batch": (advantage, "SW603", "mean"),
    "spread of the batch": (spread_of_batch, "SW603", "std"),
    "level of the batch, step by step": (scaled_series, "SW603", "mean"),
    "branches weighed over the samples": (branches_weighed_over_samples, "SW603", "softmax"),
    "mask of the queries": (rows_masked, "SW615", "masked_fill"),
    "mask of the queries by where": (rows_masked_by_where, "SW615", "where"),
    "copies in another order": (copies, "SW616", "repeat"),
    "masks of the heads in another order": (masks_of_heads, "SW616", "repeat"),
    "targets flattened in another order": (flattened_apart, "SW616", "flatten"),
    "weights behind the mean": (weighted_classes, "SW307", "cross_entropy"),
    "mask behind the mean": (masked_errors, "SW307", "mean"),
    "cosine over the patches": (compared_patches, "SW618", "cosine_similarity"),
    "length over the words": (normalised_words, "SW618", "normalize"),
    "length of steps that are compared": (alike_steps, "SW618", "normalize"),
    "samples among the channels": (gram, "SW645", "view"),
    "heads not brought to the front": (heads_left_behind, "SW617", "scaled_dot_product_attention"),
    "heads not brought to the front, by hand": (heads_left_behind_by_hand, "SW617", "matmul"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_wrong_axis_is_found_and_mended(name):
    make, code, layer = PROGRAMS[name]
    torch.manual_seed(5)
    model, inputs, more = make(right=False)
    findings = found(model, *inputs, **more)
    assert [(each.code, each.layer) for each in findings][:1] == [(code, layer)]
    assert findings[0].verified, findings[0]


def gated(right):
    def forward(m, x):
        value, gate = m.inner(x).chunk(2, dim=-1 if right else 1)
        return m.head(value * torch.sigmoid(gate))

    return Program(forward, inner=nn.Linear(10, 12), head=nn.Linear(6 if right else 12, 3))


def test_gate_cut_along_the_steps_is_found():
    (said,) = found(gated(right=False), series(steps=8))
    assert (said.code, said.layer, said.axis_name) == ("SW613", "chunk", "positions")
    assert found(gated(right=True), series(steps=8)) == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_right_axis_is_clean(name):
    torch.manual_seed(5)
    model, inputs, more = PROGRAMS[name][0](right=True)
    assert found(model, *inputs, **more) == []


def test_length_along_time_is_right_where_the_product_sums_over_time():
    model, inputs, more = alike_features()
    assert found(model, *inputs, **more) == []
