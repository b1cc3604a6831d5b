"""Statistics that run over the samples too, and rows of one batch that stand in two orders."""

from __future__ import annotations

import pytest
import torch
from silent_programs import Program, embedded, found, images, rows, series, words
from torch import nn
from torch.nn import functional as F

import shapewidget


def candidates(batch=5, count=3, steps=7):
    torch.manual_seed(8)
    return torch.randint(1, 40, (batch, count, steps))


def standardised(m, x):
    return m.head((x - x.mean()) / (x.std() + 1e-5))


def to_unit_range(m, x):
    return m.head(((x - x.min()) / (x.max() - x.min())).flatten(1))


def by_largest(m, x):
    return m.head(x / x.abs().max())


def by_norm(m, x):
    return m.head(x / torch.linalg.norm(x))


def each_step_over_samples(m, x):
    mean, deviation = x.mean(dim=0, keepdim=True), torch.sqrt(x.var(dim=0, keepdim=True) + 1e-5)
    return m.head(m.rnn((x - mean) / deviation)[0][:, -1])


def each_pixel_over_samples(m, x):
    return m.conv(x - x.mean(0)).mean((2, 3))


def gates_over_samples(m, x):
    gate = m.gate(x).sigmoid()
    return m.head((gate / gate.sum(dim=0) * x).sum(1))


STATISTICS = {
    "standardised": (standardised, rows, {"head": nn.Linear(10, 3)}, "x.mean(dim=1, keepdim=True)"),
    "to unit range": (to_unit_range, images, {"head": nn.Linear(768, 3)}, "x.amin(dim=(1, 2, 3), keepdim=True)"),
    "by the largest": (by_largest, rows, {"head": nn.Linear(10, 3)}, "x.abs().amax(dim=1, keepdim=True)"),
    "by the norm": (by_norm, rows, {"head": nn.Linear(10, 3)}, "torch.linalg.norm(x, dim=1, keepdim=True)"),
    "each step": (
        each_step_over_samples,
        series,
        {"rnn": nn.GRU(10, 8, batch_first=True), "head": nn.Linear(8, 3)},
        "x.mean(dim=1, keepdim=True)",
    ),
    "each pixel": (each_pixel_over_samples, images, {"conv": nn.Conv2d(3, 6, 3)}, "x.mean(dim=(2, 3), keepdim=True)"),
    "gates": (
        gates_over_samples,
        series,
        {"gate": nn.Linear(10, 1), "head": nn.Linear(10, 3)},
        "gate.sum(dim=1, keepdim=True)",
    ),
}


@pytest.mark.parametrize("name", STATISTICS)
def test_statistic_over_the_samples_is_named_and_mended(name):
    forward, inputs, layers, edit = STATISTICS[name]
    first = found(Program(forward, **layers), inputs())[0]
    assert first.code == "SW603"
    assert first.axis == 0
    assert first.verified
    assert edit in first.fix


def normalised_by_hand(m, x):
    h = m.a(x)
    return m.head((h - h.mean(0)) / torch.sqrt(h.var(0, unbiased=False) + 1e-5))


def channels_normalised_by_hand(m, x):
    h = m.conv(x)
    mean, variance = h.mean((0, 2, 3), keepdim=True), h.var((0, 2, 3), keepdim=True)
    return m.head(((h - mean) / (variance + 1e-5).sqrt()).mean((2, 3)))


def softmax_by_hand(m, x):
    scores = m.a(x)
    powers = (scores - scores.max()).exp()
    return powers / powers.sum(1, keepdim=True)


def deviation_as_a_channel(m, x):
    h = m.conv(x)
    apart = (h - h.mean(0, keepdim=True)).pow(2).mean(0).add(1e-8).sqrt().mean()
    return m.head(torch.cat([h, apart.expand(len(h), 1, *h.shape[2:])], 1).mean((2, 3)))


def quantised(m, x):
    scale = x.abs().max() / 127
    return m.head(torch.round(x / scale) * scale)


def noisy(m, x):
    return m.head(x + torch.randn_like(x) * x.std() * 0.1)


def nearest_to_the_mean(m, x):
    h = m.a(x)
    return h @ (h.mean(0) / h.mean(0).norm())


def score_over_samples(m, x):
    score = m.score(x).squeeze(-1)
    return (score - score.mean()) / score.std()


def graph(m, x, neighbours):
    h = neighbours @ m.a(x)
    return m.head((h - h.mean()) / h.std())


MEANT = {
    "normalised by hand": (normalised_by_hand, (rows,), {"a": nn.Linear(10, 8), "head": nn.Linear(8, 3)}),
    "channels": (channels_normalised_by_hand, (images,), {"conv": nn.Conv2d(3, 6, 3), "head": nn.Linear(6, 3)}),
    "softmax by hand": (softmax_by_hand, (rows,), {"a": nn.Linear(10, 4)}),
    "deviation": (deviation_as_a_channel, (images,), {"conv": nn.Conv2d(3, 6, 3), "head": nn.Linear(7, 3)}),
    "quantised": (quantised, (rows,), {"head": nn.Linear(10, 3)}),
    "noisy": (noisy, (rows,), {"head": nn.Linear(10, 3)}),
    "nearest to the mean": (nearest_to_the_mean, (rows,), {"a": nn.Linear(10, 4)}),
    "one number a sample": (score_over_samples, (rows,), {"score": nn.Linear(10, 1)}),
    "nodes of a graph": (graph, (rows, lambda: torch.rand(6, 6)), {"a": nn.Linear(10, 8), "head": nn.Linear(8, 3)}),
}


@pytest.mark.parametrize("name", MEANT)
def test_statistic_over_the_samples_may_be_meant(name):
    forward, inputs, layers = MEANT[name]
    assert found(Program(forward, **layers), *(make() for make in inputs)) == []


def read_backwards(m, x):
    return m.head(torch.cat([m.there(x)[0][:, -1], m.back(x.flip(0))[0][:, -1]], -1))


def read_backwards_and_turned(m, x):
    return m.head(torch.cat([m.there(x)[0], torch.flip(m.back(x.flip(0))[0], dims=[0])], -1).mean(1))


def read_from_the_end(m, x):
    return m.head(torch.cat([m.there(x)[0], m.back(x.flip(1))[0].flip(1)], -1).mean(1))


def mixed_with_others(m, x):
    return m.head(torch.cat([m.there(0.7 * x + 0.3 * x.flip(0))[0][:, -1]] * 2, -1))


def both_ways():
    there, back = (nn.GRU(10, 8, batch_first=True) for _ in range(2))
    return {"there": there, "back": back, "head": nn.Linear(16, 3)}


@pytest.mark.parametrize("forward", [read_backwards, read_backwards_and_turned])
def test_samples_turned_round_for_a_backward_layer_are_named_and_mended(forward):
    (only,) = found(Program(forward, **both_ways()), series())
    assert only.code == "SW603"
    assert only.verified
    assert "flip(1)" in only.fix
    assert "flip(0)" not in only.fix
    assert "dims=[0]" not in only.fix


def features_turned(m, x):
    return m.head(torch.cat([m.there(x)[0][:, -1], m.back(torch.flip(x, dims=[2]))[0][:, -1]], -1))


def features_turned_and_back(m, x):
    return m.head(torch.cat([m.there(x)[0], m.back(x.flip((-1,)))[0].flip(-1)], -1).mean(1))


@pytest.mark.parametrize("forward", [features_turned, features_turned_and_back])
def test_features_turned_round_for_a_backward_layer_are_named_and_mended(forward):
    (only,) = found(Program(forward, **both_ways()), series())
    assert (only.code, only.layer) == ("SW644", "flip")
    assert only.verified
    assert "x.flip(1)" in only.fix


def mirrored(m, x):
    return m.head(torch.cat([m.there(x)[0][:, -1], m.there(x.flip(-1))[0][:, -1]], -1))


def turned_as_channels(m, x):
    return m.head(torch.cat([m.there(x)[0], m.back(x.mT.flip(-1).mT)[0]], -1).mean(1))


@pytest.mark.parametrize("forward", [mirrored, turned_as_channels])
def test_features_mirrored_for_the_same_layer_and_steps_on_the_last_axis_are_right(forward):
    assert found(Program(forward, **both_ways()), series()) == []


@pytest.mark.parametrize("forward", [read_from_the_end, mixed_with_others])
def test_steps_turned_round_and_samples_mixed_on_purpose_are_right(forward):
    assert found(Program(forward, **both_ways()), series()) == []


@pytest.mark.parametrize(
    ("forward", "inputs", "edit"),
    [
        (lambda m, x: m.head(torch.cumsum(x, 0).mean(1)), series, "torch.cumsum(x, 1)"),
        (lambda m, x: m.head(x.sort(0).values), rows, "x.sort(1)"),
    ],
)
def test_scan_or_sort_of_the_samples_is_named_and_mended(forward, inputs, edit):
    (only,) = found(Program(forward, head=nn.Linear(10, 3)), inputs())
    assert only.code == "SW603"
    assert only.verified
    assert edit in only.fix


# -- two orders of one batch ------------------------------------------------------------------------------------------


class Ranker(Program):
    """Scores some items for every query; `copies` brings the queries to the items."""

    def __init__(self, copies):
        super().__init__(None, **embedded(rnn=nn.GRU(16, 16, batch_first=True), score=nn.Linear(32, 1)))
        self.copies = copies

    def forward(self, query, items):
        batch, count, steps = items.shape
        queries = self.rnn(self.emb(query))[1][0]
        flat = self.rnn(self.emb(items.reshape(batch * count, steps)))[1][0]
        return self.score(torch.cat([self.copies(queries, count), flat], -1)).view(batch, count)


def repeated(x, count):
    return x.repeat(count, 1)


def joined(x, count):
    return torch.cat([x] * count)


def expanded(x, count):
    return x.unsqueeze(0).expand(count, -1, -1).reshape(-1, x.size(-1))


def interleaved(x, count):
    return x.repeat_interleave(count, 0)


def expanded_behind(x, count):
    return x.unsqueeze(1).expand(-1, count, -1).reshape(-1, x.size(-1))


@pytest.mark.parametrize(
    ("copies", "edit"),
    [
        (repeated, "x.repeat_interleave(count, dim=0)"),
        (joined, "x.repeat_interleave(3, dim=0)"),
        (expanded, "expand(count, -1, -1).transpose(0, 1).reshape(-1, x.size(-1))"),
    ],
)
def test_rows_copied_in_another_order_are_named_and_mended(copies, edit):
    (first,) = found(Ranker(copies), words(5, 12), candidates())
    assert first.code == "SW616"
    assert first.verified
    assert edit in first.fix
    assert "1 1 1 2 2 2" in first.expected
    assert "1 2 3 4 5 1" in first.got


@pytest.mark.parametrize("copies", [interleaved, expanded_behind])
def test_rows_copied_in_the_same_order_are_right(copies):
    assert found(Ranker(copies), words(5, 12), candidates()) == []


def masks_of_heads(m, ids):
    h = m.emb(ids)
    pad = (ids == 0)[:, None, :].expand(-1, ids.shape[1], -1)
    return m.attention(h, h, h, attn_mask=pad.repeat(4, 1, 1))[0]


def test_masks_repeated_for_heads_are_in_another_order():
    ids = words()
    ids[1, 6:] = 0
    layers = embedded(attention=nn.MultiheadAttention(16, 4, batch_first=True))
    assert [it.code for it in found(Program(masks_of_heads, **layers), ids)] == ["SW616"]


def items_first(m, query, items):
    batch, count, steps = items.shape
    queries = m.rnn(m.emb(query))[1][0]
    flat = m.rnn(m.emb(items.transpose(0, 1).reshape(count * batch, steps)))[1][0]
    return (queries.repeat(count, 1) * flat).sum(-1).view(count, batch).t()


def all_pairs(m, x):
    h, count = m.a(x), len(x)
    pairs = torch.cat([h.repeat(count, 1), h.repeat_interleave(count, 0)], -1)
    return m.score(pairs).view(count, count)


def steps_in_pairs(m, x):
    pairs = torch.cat([x.repeat(1, x.size(1), 1), x.repeat_interleave(x.size(1), 1)], -1)
    return m.score(pairs).view(x.size(0), x.size(1), x.size(1))


def normalised_positions(m, x):
    return F.normalize(m.conv(x))


@pytest.mark.parametrize(
    ("forward", "inputs", "layers"),
    [
        (items_first, (lambda: words(5, 12), candidates), embedded(rnn=nn.GRU(16, 16, batch_first=True))),
        (all_pairs, (rows,), {"a": nn.Linear(10, 8), "score": nn.Linear(16, 1)}),
        (steps_in_pairs, (series,), {"score": nn.Linear(20, 1)}),
        (normalised_positions, (images,), {"conv": nn.Conv2d(3, 8, 3)}),
    ],
)
def test_orders_and_pairs_that_are_meant(forward, inputs, layers):
    assert found(Program(forward, **layers), *(make() for make in inputs)) == []


class Decoder(nn.Module):
    """Looks at all that was read before every word that it writes, in a loop over the words."""

    def __init__(self, axis):
        super().__init__()
        self.words, self.read = nn.Embedding(60, 16), nn.GRU(16, 16, batch_first=True)
        self.write, self.out = nn.GRUCell(32, 16), nn.Linear(16, 60)
        self.axis = axis

    def forward(self, given, written):
        states, last = self.read(self.words(given))
        state, outs = last[0], []
        for step in range(written.size(1)):
            weights = F.softmax((states * state[:, None]).sum(-1), dim=self.axis)
            seen = torch.bmm(weights[:, None], states)[:, 0]
            state = self.write(torch.cat((self.words(written[:, step]), seen), 1), state)
            outs.append(self.out(state))
        return torch.stack(outs, 1)


def test_samples_mixed_in_a_loop_of_more_steps_than_a_probe_takes():
    report = shapewidget.probe(Decoder(0), (words(4, 7), words(4, 5)))
    assert [(it.code, it.op, it.verified) for it in report.findings] == [("SW603", "softmax", True)]
    assert shapewidget.probe(Decoder(1), (words(4, 7), words(4, 5))).ok


class Experts(nn.Module):
    """As many experts as samples, by chance; they are stacked along an axis, and their weights lie along axis 1."""

    def __init__(self, axis, count=4, width=12):
        super().__init__()
        self.experts, self.gate = nn.ModuleList(nn.Linear(width, width) for _ in range(count)), nn.Linear(width, count)
        self.axis = axis

    def forward(self, x):
        weights = self.gate(x).softmax(-1).unsqueeze(-1)
        return (weights * torch.stack([expert(x) for expert in self.experts], self.axis)).sum(self.axis)


def test_experts_where_the_samples_are_show_although_the_width_is_that_of_the_data():
    report = shapewidget.probe(Experts(0), torch.randn(4, 12))
    assert [(it.code, it.op, it.got) for it in report.findings] == [("SW502", "mul", 3)]
    assert shapewidget.probe(Experts(1), torch.randn(4, 12)).ok
