"""Weights that meet a loss which is one number already, and vectors that are compared along their positions."""

from __future__ import annotations

import pytest
import torch
from silent_programs import Program, embedded, encoder, found, rows, series, words
from torch import nn
from torch.nn import functional as F


def one(m, x):
    return m.head(x).squeeze(-1)


def weighted():
    torch.manual_seed(5)
    return torch.randn(6), torch.rand(6)


def masked():
    torch.manual_seed(5)
    return torch.randn(6, 9), (torch.rand(6, 9) > 0.3).float()


def tagged():
    torch.manual_seed(5)
    return torch.randint(0, 3, (6, 9)), torch.rand(6, 9) > 0.3


def mean_then_weights(out, given):
    return (F.mse_loss(out, given[0]) * given[1]).mean()


def mean_then_mask(out, given):
    return (F.mse_loss(out, given[0]) * given[1]).sum() / given[1].sum()


def mean_of_classes_then_mask(out, given):
    return (F.cross_entropy(out.transpose(1, 2), given[0]) * given[1]).sum() / given[1].sum()


def mean_by_hand_then_weights(out, given):
    return (((out - given[0]) ** 2).mean() * given[1]).sum()


def sum_then_advantages(out, given):
    return -(out.sum() * given[1]).mean()


@pytest.mark.parametrize(
    ("loss", "targets", "inputs", "classes"),
    [
        (mean_then_weights, weighted, rows, 1),
        (mean_then_mask, masked, series, 1),
        (mean_of_classes_then_mask, tagged, series, 3),
        (mean_by_hand_then_weights, weighted, rows, 1),
        (sum_then_advantages, weighted, rows, 1),
    ],
)
def test_weights_after_the_reduction_are_named_and_mended(loss, targets, inputs, classes):
    forward = one if classes == 1 else lambda m, x: m.head(x)
    (only,) = found(Program(forward, head=nn.Linear(10, classes)), inputs(), targets=targets(), loss=loss)
    assert only.code == "SW307"
    assert only.verified


def weights_before(out, given):
    return (F.mse_loss(out, given[0], reduction="none") * given[1]).sum() / given[1].sum()


def scaled_targets(out, given):
    scale = (out * given[0]).sum() / (given[0] * given[0]).sum()
    return ((scale * given[0] - out) ** 2).mean()


def targets_at_the_outputs_scale(out, given):
    return (out - given[0] * out.detach().abs().mean()).abs().mean()


def two_terms(out, given):
    return F.mse_loss(out, given[0]) * 0.3 + out.pow(2).mean() * given[1].mean()


def weights_of_two_tasks(out, given):
    return (F.mse_loss(out, given[0]) * torch.tensor([0.3, 0.7])).sum()


RIGHT = [weights_before, scaled_targets, targets_at_the_outputs_scale, two_terms, weights_of_two_tasks]


@pytest.mark.parametrize("loss", RIGHT)
def test_numbers_that_scale_a_loss_or_its_targets_are_right(loss):
    assert found(Program(one, head=nn.Linear(10, 1)), rows(), targets=weighted(), loss=loss) == []


# -- vectors of positions ---------------------------------------------------------------------------------------------


def vectors(steps=9, features=16):
    torch.manual_seed(6)
    return torch.randn(6, steps, features)


def along_the_default(out, targets):
    return 1 - F.cosine_similarity(out, targets).mean()


def along_features(out, targets):
    return 1 - F.cosine_similarity(out, targets, dim=-1).mean()


def along_time(out, targets):
    return 1 - F.cosine_similarity(out, targets, dim=1).mean()


def of_words(m, ids):
    return m.body(m.emb(ids))


@pytest.mark.parametrize("body", [nn.Linear(16, 16), encoder()])
def test_vectors_compared_along_positions_are_named_and_mended(body):
    model = Program(of_words, **embedded(body=body))
    (only,) = found(model, words(), targets=vectors(), loss=along_the_default)
    assert only.code == "SW618"
    assert only.verified
    assert "cosine_similarity(out, targets, dim=-1)" in only.fix


def test_vectors_compared_along_features_are_right():
    model = Program(of_words, **embedded(body=nn.Linear(16, 16)))
    assert found(model, words(), targets=vectors(), loss=along_features) == []


def test_courses_over_time_may_be_compared():
    model = Program(lambda m, x: m.head(x), head=nn.Linear(10, 10))
    assert found(model, series(), targets=vectors(features=10), loss=along_time) == []


def normalised_channels_of_features(m, x):
    q, k, v = (part(x).view(*x.shape[:2], 5, 2).permute(0, 2, 3, 1) for part in (m.q, m.k, m.v))
    weights = torch.softmax(F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1), -1)
    return (weights @ v).permute(0, 3, 1, 2).reshape(x.shape)


def residuals_of_clusters(m, x):
    sums = torch.softmax(m.q(x), -1).transpose(1, 2) @ x
    return m.k(F.normalize(F.normalize(sums, dim=2).flatten(1), dim=1))


@pytest.mark.parametrize(("forward", "clusters"), [(normalised_channels_of_features, 10), (residuals_of_clusters, 4)])
def test_lengths_along_other_axes_may_be_meant(forward, clusters):
    layers = {"q": nn.Linear(10, clusters), "k": nn.Linear(clusters * 10 if clusters == 4 else 10, 10)}
    assert found(Program(forward, **layers, v=nn.Linear(10, 10)), series()) == []


# -- classes and channels on another axis -----------------------------------------------------------------------------


def tags():
    torch.manual_seed(3)
    return torch.randint(0, 9, (6, 9))


def test_steps_read_as_classes_by_one_size_are_named_and_mended():
    model = Program(lambda m, x: m.head(x), head=nn.Linear(10, 9))
    (only,) = found(model, series(), targets=tags(), loss=F.cross_entropy)
    assert only.code == "SW611"
    assert only.verified
    assert "transpose(1, 2)" in only.fix


def test_classes_on_the_second_axis_are_right():
    model = Program(lambda m, x: m.head(x).transpose(1, 2), head=nn.Linear(10, 9))
    assert found(model, series(), targets=tags(), loss=F.cross_entropy) == []


def test_instances_normalised_along_features_are_named_and_mended():
    layers = {"norm": nn.InstanceNorm1d(10), "head": nn.Linear(10, 3)}
    (only,) = found(Program(lambda m, x: m.head(m.norm(x).mean(1)), **layers), series())
    assert only.code == "SW613"
    assert only.verified
    assert "m.norm(x.transpose(1, 2)).transpose(1, 2)" in only.fix


def test_instances_normalised_along_steps_are_right():
    layers = {"norm": nn.InstanceNorm1d(10), "head": nn.Linear(10, 3)}
    assert found(Program(lambda m, x: m.head(m.norm(x.transpose(1, 2)).mean(2)), **layers), series()) == []
