"""Batches whose rows belong together in groups, and that end within one."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import shapewidget


def triplets(outputs, _):
    return F.triplet_margin_loss(outputs[0::3], outputs[1::3], outputs[2::3])


def triplets_by_hand(outputs, _):
    anchor, same, other = outputs[0::3], outputs[1::3], outputs[2::3]
    near, far = (anchor - same).norm(dim=1), (anchor - other).norm(dim=1)
    return F.relu(near - far + 0.2).mean()


def pairs(outputs, _):
    return (outputs[::2] * outputs[1::2]).sum(1).mean()


def probed(loss, rows):
    return shapewidget.probe(nn.Linear(4, 5), torch.randn(rows, 4), targets=torch.zeros(rows), loss=loss)


@pytest.mark.parametrize(("loss", "rows", "groups"), [(triplets, 32, 3), (triplets_by_hand, 32, 3), (pairs, 31, 2)])
def test_batch_that_ends_within_a_group_is_told_with_a_size_that_does_not(loss, rows, groups):
    first = probed(loss, rows).findings[0]
    assert (first.code, first.expected - first.got) == ("SW309", 1)
    assert f"in groups of {groups}, and {rows} is no multiple of {groups}" in first.reason
    assert probed(loss, int(first.fix.split()[-1])).ok


def test_rows_of_two_lengths_that_are_no_groups_are_told_as_what_they_are():
    report = probed(lambda outputs, _: (outputs[1:] - outputs[:-2]).mean(), 32)
    assert [each.code for each in report.findings if each.severity == "mismatch"] == ["SW201"]
