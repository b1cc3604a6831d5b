"""`chunk` and `split` along the batch: parts of the features were meant, or samples are paired on purpose."""

from __future__ import annotations

import pytest
import torch
from small_models import model_of
from torch import nn

import shapewidget


def sampled(mean, spread):
    return mean + torch.randn_like(mean) * (0.5 * spread).exp()


def reparametrised(m, x):
    return m.decoder(sampled(*m.encoder(x).chunk(2)))


def gated(m, x):
    value, gate = torch.chunk(m.encoder(x), 2)
    return value * torch.sigmoid(gate)


def cell(m, x):
    keep, new, out, add = m.encoder(x).chunk(4)
    return torch.sigmoid(out) * torch.tanh(torch.sigmoid(keep) * torch.tanh(new) + add)


def along_the_features(m, x):
    return m.decoder(sampled(*m.encoder(x).chunk(2, dim=1)))


def mixed_up(m, x):
    one, other = m.encoder(x).chunk(2)
    return 0.3 * one + 0.7 * other


def guided(m, x):
    without, within = m.encoder(torch.cat([x, x])).chunk(2)
    return without + 7.5 * (within - without)


def alike(m, x):
    one, other = m.encoder(x).chunk(2)
    return (torch.tanh(one) * torch.tanh(other)).sum(-1)


def findings(forward, **more):
    model = model_of(forward, encoder=nn.Linear(6, 8), decoder=nn.Linear(4, 6))
    return shapewidget.probe(model, torch.randn(12, 6), **more).findings


@pytest.mark.parametrize("forward", [gated, cell])
def test_a_batch_cut_where_features_are_meant_is_found_though_it_runs(forward):
    (said,) = [each for each in findings(forward) if each.severity != "note"]
    assert (said.code, said.op, said.axis, said.severity) == ("SW646", "chunk", 0, "coincidence")
    assert said.verified
    assert "dim=-1" in said.fix


def test_the_cut_is_told_and_not_the_layer_that_it_breaks():
    found = findings(reparametrised, targets=torch.randn(12, 6), loss=nn.MSELoss())
    (said,) = [each for each in found if each.severity != "note"]
    assert (said.code, said.op, said.severity, said.verified) == ("SW646", "chunk", "mismatch", True)


@pytest.mark.parametrize("forward", [along_the_features, mixed_up, guided, alike])
def test_parts_of_a_batch_that_are_paired_on_purpose_are_clean(forward):
    assert [each for each in findings(forward) if each.severity != "note"] == []


def test_the_channels_of_images_are_cut_on_their_own_axis():
    def forward(m, x):
        value, gate = m.encoder(x).chunk(2)
        return m.decoder(value * torch.sigmoid(gate))

    model = model_of(forward, encoder=nn.Conv2d(3, 8, 3, padding=1), decoder=nn.Conv2d(4, 3, 1))
    said = shapewidget.probe(model, torch.randn(6, 3, 9, 9)).findings[0]
    assert (said.code, said.verified) == ("SW646", True)
    assert "chunk(2, dim=1)" in said.fix
