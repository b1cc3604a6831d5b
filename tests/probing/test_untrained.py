"""Outputs that the loss never reads: a note where weights work for them alone, nothing for the others."""

from __future__ import annotations

import torch
from small_models import model_of
from torch import nn
from torch.nn import functional as F

import shapewidget


def notes(model, loss, *inputs, targets):
    report = shapewidget.probe(model, inputs, targets=targets, loss=loss)
    assert report.ok
    return [(it.code, it.layer) for it in report.findings if it.code == "SW308"]


def two_heads(m, x):
    h = m.body(x).relu()
    return m.kind(h), m.size(h)


def heads():
    return model_of(two_heads, body=nn.Linear(6, 8), kind=nn.Linear(8, 3), size=nn.Linear(8, 1))


KINDS = {"targets": torch.randint(0, 3, (5,))}


def of_first(outputs, targets):
    return F.cross_entropy(outputs[0], targets)


def of_both(outputs, targets):
    return F.cross_entropy(outputs[0], targets) + outputs[1].square().mean()


def test_head_that_no_loss_reads_is_noted():
    assert notes(heads(), of_first, torch.randn(5, 6), **KINDS) == [("SW308", "size")]


def test_heads_that_are_read_are_not():
    assert notes(heads(), of_both, torch.randn(5, 6), **KINDS) == []


def test_states_and_attention_weights_are_not():
    reader = model_of(
        lambda m, x: (m.head(m.rnn(x)[0][:, -1]), *m.rnn(x)), rnn=nn.LSTM(6, 8, batch_first=True), head=nn.Linear(8, 3)
    )
    assert notes(reader, of_first, torch.randn(5, 7, 6), **KINDS) == []
    attending = model_of(
        lambda m, x: (m.head(m.mix(x, x, x)[0].mean(1)), m.mix(x, x, x)[1]),
        mix=nn.MultiheadAttention(6, 2, batch_first=True),
        head=nn.Linear(6, 3),
    )
    assert notes(attending, of_first, torch.randn(5, 7, 6), **KINDS) == []


def test_features_handed_out_beside_the_result_are_not():
    model = model_of(lambda m, x: (m.head(m.body(x)), m.body(x).detach()), body=nn.Linear(6, 8), head=nn.Linear(8, 3))
    assert notes(model, of_first, torch.randn(5, 6), **KINDS) == []
