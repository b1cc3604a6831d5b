"""Axes of two meanings that meet because they have one size, and fixes that put them where they belong."""

import pytest
import torch
from torch import nn

import shapewidget


def said(model, *inputs, **more):
    found = shapewidget.probe(model, inputs, **more).findings
    return [(each.code, each.layer, each.verified, each.fix) for each in found if each.severity != "note"]


class MeanOfNeighbours(nn.Module):
    """As many nodes as features, so that a number a node may be taken for one a feature."""

    def __init__(self, axis):
        super().__init__()
        self.weights, self.out, self.axis = nn.Linear(5, 8), nn.Linear(8, 2), axis

    def forward(self, nodes, edges):
        degree = edges.sum(-1).clamp(min=1).unsqueeze(self.axis)
        return self.out(torch.relu((edges @ self.weights(nodes)) / degree).mean(1))


@pytest.mark.parametrize(("axis", "found"), [(1, ["SW611"]), (-1, [])])
def test_a_number_for_each_node_meets_the_nodes(axis, found):
    told = said(MeanOfNeighbours(axis), torch.randn(3, 8, 5), torch.ones(3, 8, 8))
    assert [code for code, _, verified, _ in told if verified] == found


class Noised(nn.Module):
    def __init__(self):
        super().__init__()
        self.denoise = nn.Conv2d(3, 3, 3, padding=1)
        self.register_buffer("kept", torch.linspace(1.0, 0.1, 100))

    def forward(self, picture, step, noise):
        kept = self.kept[step]
        return self.denoise(kept.sqrt() * picture + (1 - kept).sqrt() * noise)


def test_both_places_at_which_samples_meet_the_width_are_mended():
    told = said(Noised(), torch.randn(8, 3, 8, 8), torch.randint(0, 100, (8,)), torch.randn(8, 3, 8, 8))
    ((code, _, verified, fix),) = told
    assert (code, verified, fix.count("[:, None, None, None]")) == ("SW611", True, 2)


class Modulated(nn.Module):
    def __init__(self, axis):
        super().__init__()
        self.norm, self.by = nn.LayerNorm(12, elementwise_affine=False), nn.Linear(16, 12 if axis == 0 else 24)
        self.axis = axis

    def forward(self, x, condition):
        scale, shift = self.by(condition).chunk(2, dim=self.axis)
        return self.norm(x) * (1 + scale) + shift


@pytest.mark.parametrize(("axis", "found"), [(0, ["SW646"]), (1, [])])
def test_scale_and_shift_are_cut_from_the_features(axis, found):
    told = said(Modulated(axis), torch.randn(2, 12), torch.randn(2, 16))
    assert [code for code, *_ in told] == found


class Dispatched(nn.Module):
    """Slots that are filled with weighted means of tokens, as in a soft mixture of experts."""

    def __init__(self, axis):
        super().__init__()
        self.slots, self.axis = nn.Parameter(torch.randn(8, 4, 2)), axis

    def forward(self, x):
        scores = torch.einsum("btd,dep->btep", x, self.slots)
        weights = scores.softmax(dim=self.axis)
        return torch.einsum("btd,btep->bepd", x, weights)


def test_a_softmax_over_the_samples_is_mended_along_the_axis_that_is_summed():
    ((code, layer, verified, fix),) = said(Dispatched(0), torch.randn(3, 6, 8))
    assert (code, layer, verified, "softmax(dim=1)" in fix) == ("SW603", "softmax", True, True)
    assert not said(Dispatched(1), torch.randn(3, 6, 8))


class Capsules(nn.Module):
    """16 channels become 4 x 4, and 4 x 4 positions become 16: each axis is cut or merged as it lies."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 5, 2)

    def forward(self, x):
        parts = self.conv(x).view(x.size(0), 4, 4, -1)
        return parts.permute(0, 1, 3, 2).reshape(x.size(0), -1, 4)


def test_an_axis_cut_and_its_neighbours_merged_swap_nothing():
    assert not said(Capsules(), torch.randn(3, 1, 12, 12))


class Statistics(nn.Module):
    def __init__(self, axis):
        super().__init__()
        self.conv, self.out, self.axis = nn.Conv1d(20, 16, 5, padding=2), nn.Linear(32, 4), axis

    def forward(self, x):
        frames = torch.relu(self.conv(x))
        return self.out(torch.cat([frames.mean(self.axis), frames.std(self.axis)], dim=1))


def test_statistics_side_by_side_are_taken_over_the_frames():
    ((code, layer, verified, _),) = said(Statistics(1), torch.randn(3, 20, 16))
    assert (code, layer, verified) == ("SW661", "mean", True)
    assert not said(Statistics(2), torch.randn(3, 20, 16))


def test_a_target_that_is_detached_on_its_way_is_followed():
    values, other, states, rewards = nn.Linear(4, 3), nn.Linear(4, 3), torch.randn(8, 4), torch.randn(8, 1)
    with shapewidget.capture() as report:
        target = rewards + 0.99 * other(states).amax(1)
        loss = ((values(states).amax(1, keepdim=True) - target.detach()) ** 2).mean()
        loss.backward()
    assert ("SW302", "add") in [(each.code, each.layer) for each in report.findings]


def test_labels_in_another_order_of_axes_are_put_in_the_order_asked_for():
    def overlap(outputs, labels):
        classes = torch.nn.functional.one_hot(labels, 4).float().reshape(outputs.shape)
        scores = outputs.softmax(1)
        both, all_of_them = (scores * classes).sum((2, 3)), (scores + classes).sum((2, 3))
        return 1 - (2 * both / all_of_them).mean()

    labels, pictures = torch.randint(0, 4, (3, 8, 10)), torch.randn(3, 3, 8, 10)
    ((code, layer, verified, fix),) = said(nn.Conv2d(3, 4, 3, padding=1), pictures, targets=labels, loss=overlap)
    assert (code, layer, verified, "permute(0, 3, 1, 2)" in fix) == ("SW601", "reshape", True, True)
