"""Attention by hand among the samples of a batch, where it was to be among the steps."""

from __future__ import annotations

import torch
from silent_programs import found, series
from torch import nn


class Letters(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.head = (nn.Linear(10, 10) for _ in range(4))

    def forward(self, x):
        weights = torch.einsum("ibd,jbd->bij", self.q(x), self.k(x)).softmax(-1)
        return self.head(torch.einsum("bij,jbd->ibd", weights, self.v(x)).mean(1))


class LettersInOrder(Letters):
    def forward(self, x):
        weights = torch.einsum("bid,bjd->bij", self.q(x), self.k(x)).softmax(-1)
        return self.head(torch.einsum("bij,bjd->bid", weights, self.v(x)).mean(1))


class Turned(Letters):
    def forward(self, x):
        x = x.transpose(0, 1)
        weights = torch.bmm(self.q(x), self.k(x).transpose(1, 2)).softmax(-1)
        return self.head(torch.bmm(weights, self.v(x)).transpose(0, 1).mean(1))


def test_letters_that_name_the_steps_first_are_mended():
    (said,) = found(Letters(), series())
    assert (said.code, said.op, said.verified) == ("SW603", "einsum", True)
    assert 'torch.einsum("bid,bjd->bij", self.q(x), self.k(x))' in said.fix


def test_samples_that_attend_to_one_another_are_found():
    (said,) = found(Turned(), series())
    assert (said.code, said.op, said.axis_name) == ("SW603", "bmm", "batch")


def test_steps_that_attend_to_one_another_are_clean():
    assert found(LettersInOrder(), series()) == []
