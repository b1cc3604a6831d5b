"""Masks and positions that a program makes as it runs, and makes for the samples in the place of the steps."""

import pytest
import torch
from torch import nn

import shapewidget


def found(model, *inputs):
    findings = shapewidget.probe(model, inputs).findings
    return [(it.code, it.verified, it.fix) for it in findings if it.severity != "note"]


def ids(samples, steps):
    return torch.randint(0, 40, (samples, steps))


class Causal(nn.Module):
    """Attends to what came before, by a mask of its own."""

    def __init__(self, way):
        super().__init__()
        self.words = nn.Embedding(40, 16)
        self.attention, self.way = nn.MultiheadAttention(16, 2, batch_first=True), way

    def forward(self, given):
        x = self.words(given)
        samples, steps, _ = x.shape
        if self.way == "samples":
            later = torch.ones(samples, samples, dtype=torch.bool).triu(1)
        elif self.way == "size":
            later = torch.full((x.size(0), x.size(0)), float("-inf")).triu(1)
        elif self.way == "length":
            long = len(given)
            later = torch.ones(long, long, dtype=torch.bool).triu(1)
        else:
            later = torch.ones(steps, steps, dtype=torch.bool).triu(1)
        return self.attention(x, x, x, attn_mask=later)[0]


FIXES = {
    "samples": "later = torch.ones(steps, steps, dtype=torch.bool).triu(1)",
    "size": "later = torch.full((x.size(1), x.size(1)), float('-inf')).triu(1)",
    "length": "later = torch.ones(given.size(1), given.size(1), dtype=torch.bool).triu(1)",
}


@pytest.mark.parametrize(("way", "fix"), FIXES.items())
def test_mask_as_large_as_the_batch_is_made_for_the_steps(way, fix):
    assert found(Causal(way), ids(5, 9)) == [("SW107", True, fix)]


@pytest.mark.parametrize(("way", "fix"), FIXES.items())
def test_mask_as_large_as_the_batch_is_found_where_steps_and_samples_are_as_many(way, fix):
    assert found(Causal(way), ids(7, 7)) == [("SW611", True, fix)]


@pytest.mark.parametrize("samples", [5, 9])
def test_mask_of_the_steps_is_right(samples):
    assert found(Causal("steps"), ids(samples, 9)) == []


class Scores(nn.Module):
    def __init__(self, *, of_samples):
        super().__init__()
        self.query, self.key, self.of_samples = nn.Linear(12, 12), nn.Linear(12, 12), of_samples

    def forward(self, x):
        samples, steps, width = x.size()
        scores = self.query(x) @ self.key(x).transpose(1, 2) / width**0.5
        if self.of_samples:
            seen = torch.tril(torch.ones(samples, samples))
        else:
            seen = torch.tril(torch.ones(steps, steps))
        return scores.masked_fill(seen == 0, float("-inf")).softmax(-1) @ x


@pytest.mark.parametrize(("samples", "code"), [(4, "SW201"), (8, "SW611")])
def test_mask_of_scores_by_hand_is_made_for_the_steps(samples, code):
    x = torch.randn(samples, 8, 12)
    fix = "seen = torch.tril(torch.ones(steps, steps))"
    assert found(Scores(of_samples=True), x) == [(code, True, fix)]
    assert found(Scores(of_samples=False), x) == []


class Places(nn.Module):
    """A vector for each word and one for its place, and a mean over the words that there are."""

    def __init__(self, *, of_places=1, of_lengths=1):
        super().__init__()
        self.words, self.places = nn.Embedding(40, 16), nn.Embedding(60, 16)
        self.out, self.of_places, self.of_lengths = nn.Linear(16, 2), of_places, of_lengths

    def forward(self, given, lengths):
        x = self.words(given)
        if self.of_places:
            x = x + self.places(torch.arange(given.shape[1]))
        else:
            x = x + self.places(torch.arange(given.shape[0]))
        if self.of_lengths:
            is_there = torch.arange(given.shape[1]) < lengths[:, None]
        else:
            is_there = torch.arange(given.shape[0]) < lengths[:, None]
        return self.out((x * is_there[..., None]).sum(1) / lengths[:, None])


@pytest.mark.parametrize(("wrong", "line"), [("of_places", "self.places("), ("of_lengths", "is_there")])
@pytest.mark.parametrize("samples", [5, 8])
def test_places_as_many_as_samples_are_counted_along_the_steps(samples, wrong, line):
    given = ids(samples, 8), torch.arange(samples) % 6 + 3
    first = found(Places(**{wrong: 0}), *given)[0]
    assert first[1] is True
    assert line in first[2]
    assert "torch.arange(given.s" in first[2]
    assert found(Places(), *given) == []
