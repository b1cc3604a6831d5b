"""Masks, heads and keys of `scaled_dot_product_attention`: told by what its scores are, and mended."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import shapewidget


class Heads(nn.Module):
    def __init__(self, width=24, heads=3, shared=3):
        super().__init__()
        self.heads, self.shared, self.size = heads, shared, width // heads
        self.q = nn.Linear(width, width)
        self.k, self.v = nn.Linear(width, shared * self.size), nn.Linear(width, shared * self.size)

    def forward(self, x, mask):
        batch, steps, _ = x.shape
        q = self.q(x).view(batch, steps, self.heads, self.size).transpose(1, 2)
        k, v = (part(x).view(batch, steps, self.shared, self.size).transpose(1, 2) for part in (self.k, self.v))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return mixed.transpose(1, 2).reshape(batch, steps, -1)


class Pooled(nn.Module):
    def __init__(self):
        super().__init__()
        self.queries = nn.Parameter(torch.randn(4, 16))

    def forward(self, x, mask):
        q = self.queries.expand(x.size(0), -1, -1)
        return F.scaled_dot_product_attention(q, x, x, mask)


def said_of(model, *inputs):
    report = shapewidget.probe(model, inputs)
    assert len(report.findings) == 1, str(report)
    return report.findings[0]


MASKS = {
    "one flag a key of every sample": (torch.ones(5, 7).bool(), "mask[:, None, None]", (7, 5)),
    "a column axis instead of the heads": (torch.ones(5, 1, 7), "mask[:, None]", (3, 5)),
    "no axis for the heads": (torch.ones(5, 7, 7).bool(), "mask[:, None]", (3, 5)),
    "the batch behind the keys": (torch.ones(7, 5).bool(), "mask.transpose(0, 1)", (7, 5)),
    "a table of more steps": (torch.ones(11, 11).bool(), "mask[..., :q.size(-2), :k.size(-2)]", (7, 11)),
    "one flag a key": (torch.ones(7).bool(), "mask[None]", (4, 1)),
    "an axis too many": (torch.ones(1, 1, 1, 7, 7).bool(), "mask.squeeze(0)", (4, 5)),
}


@pytest.mark.parametrize(("mask", "text", "sizes"), MASKS.values(), ids=MASKS)
def test_mask_is_told_against_the_scores_and_mended(mask, text, sizes):
    found = said_of(Heads(), torch.randn(5, 7, 24), mask)
    assert (found.code, found.verified) == ("SW108", True), found
    assert text in found.fix
    assert (found.expected, found.got) == sizes
    assert "(5, 3, 7, 7)" in found.reason


def test_mask_of_keys_and_queries_swapped_is_turned():
    found = said_of(Pooled(), torch.randn(5, 7, 16), torch.ones(7, 4).bool())
    assert (found.code, found.verified) == ("SW108", True)
    assert "mask.transpose(0, 1)" in found.fix


def test_mask_of_whole_numbers_is_no_shape_problem():
    found = said_of(Heads(), torch.randn(5, 7, 24), torch.ones(5, 1, 1, 7, dtype=torch.int64))
    assert (found.code, found.expected, found.verified) == ("SW401", "bool", True)


def test_heads_that_share_their_keys_have_to_be_asked_for():
    found = said_of(Heads(heads=6, shared=2), torch.randn(5, 7, 24), torch.ones(7, 7).bool())
    assert (found.code, found.expected, found.got, found.verified) == ("SW107", 6, 2, True)
    assert "enable_gqa=True" in found.fix
    assert "heads" in found.reason


@pytest.mark.parametrize("shape", [(7, 7), (1, 7), (5, 1, 1, 7), (1, 3, 7, 7), (5, 3, 7, 7)])
def test_mask_that_broadcasts_is_clean(shape):
    report = shapewidget.probe(Heads(), (torch.randn(5, 7, 24), torch.ones(shape).bool()))
    assert report.ok, str(report)
