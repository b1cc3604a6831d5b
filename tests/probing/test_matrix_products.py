"""Products that take a fixed number of axes or one batch, and weights of classes that meet another axis."""

from __future__ import annotations

import pytest
import torch
from small_models import model_of
from torch import nn

import shapewidget

TOKENS = torch.randn(6, 10, 8)


def linear():
    return nn.Linear(8, 8)


def adapted(m, x):
    return torch.mm(m.body(x), m.table.weight)


def scores(m, x):
    return torch.matmul(m.body(x), m.table(x).t()).softmax(-1)


def of_heads(m, x):
    q, k = (part.view(6, 10, 2, 4).transpose(1, 2) for part in (m.body(x), m.table(x)))
    return torch.bmm(q, k.transpose(-2, -1)).softmax(-1)


def of_one_query(m, x):
    return torch.bmm(m.body(x).mean(1), m.table(x).transpose(1, 2)).softmax(-1)


def added(m, x):
    return torch.addmm(m.table.bias, m.body(x), m.table.weight)


def dotted(m, x):
    return torch.dot(m.body(x)[:, 0], m.table(x)[:, 1])


FIXES = {
    adapted: ("mm", 2, 3, "m.body(x).matmul(m.table.weight)"),
    scores: ("t", 2, 3, "m.table(x).transpose(-2, -1)"),
    of_heads: ("bmm", 3, 4, "q.matmul(k.transpose(-2, -1))"),
    of_one_query: ("bmm", 3, 2, "m.body(x).mean(1).unsqueeze(1).bmm(m.table(x).transpose(1, 2))"),
    added: ("addmm", 2, 3, "m.table.bias + m.body(x) @ m.table.weight"),
    dotted: ("dot", 1, 2, "(m.body(x)[:, 0] * m.table(x)[:, 1]).sum(-1)"),
}


@pytest.mark.parametrize("forward", FIXES, ids=lambda forward: forward.__name__)
def test_a_product_of_matrices_is_written_for_a_batch(forward):
    said = shapewidget.probe(model_of(forward, body=linear(), table=linear()), TOKENS).findings[0]
    op, expected, got, text = FIXES[forward]
    assert (said.code, said.op, said.expected, said.got) == ("SW110", op, expected, got)
    assert said.verified
    assert text in said.fix


def test_queries_of_time_first_are_turned_so_that_no_samples_mix():
    def forward(m, x):
        return torch.bmm(m.body(x.transpose(0, 1)), m.table(x).transpose(1, 2)).softmax(-1)

    said = shapewidget.probe(model_of(forward, body=linear(), table=linear()), TOKENS).findings[0]
    assert (said.code, said.op, said.axis, said.expected, said.got) == ("SW203", "bmm", 0, 10, 6)
    assert said.verified
    assert "m.body(x.transpose(0, 1)).transpose(0, 1)" in said.fix


def test_one_query_for_all_samples_is_broadcast():
    def forward(m, x):
        return torch.bmm(m.body.weight[None], m.table(x).transpose(1, 2)).softmax(-1)

    said = shapewidget.probe(model_of(forward, body=linear(), table=linear()), TOKENS).findings[0]
    assert said.verified
    assert "m.body.weight[None].matmul(" in said.fix


def test_two_batches_in_one_product_are_not_given_other_features():
    model = model_of(lambda m, x, y: torch.bmm(m.body(x), m.table(y).transpose(1, 2)), body=linear(), table=linear())
    said = shapewidget.probe(model, (torch.randn(12, 10, 8), TOKENS)).findings[0]
    assert (said.op, said.axis, said.expected, said.got) == ("bmm", 0, 12, 6)
    assert not said.verified
    assert "Linear" not in said.fix


@pytest.mark.parametrize("name", ["weight", "pos_weight"])
def test_one_weight_a_class_of_every_pixel_is_given_the_axes_it_lacks(name):
    loss = nn.BCEWithLogitsLoss(**{name: torch.tensor([1.0, 2.0, 3.0])})
    masks = torch.rand(4, 3, 12, 16).round()
    said = shapewidget.probe(nn.Conv2d(1, 3, 3, padding=1), torch.rand(4, 1, 12, 16), targets=masks, loss=loss)
    said = said.findings[0]
    assert (said.code, said.axis, said.expected, said.got) == ("SW306", 3, 16, 3)
    assert said.verified
    assert said.fix == f"{name}={name}.view(-1, 1, 1)"


def test_weights_of_another_number_of_classes_are_not_put_anywhere():
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.ones(3))
    report = shapewidget.probe(nn.Linear(6, 4), torch.randn(5, 6), targets=torch.rand(5, 4).round(), loss=loss)
    said = report.findings[0]
    assert (said.code, said.expected, said.got, said.verified) == ("SW306", 4, 3, False)
    assert said.fix == "give 4 weights, one a class"
