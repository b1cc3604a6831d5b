"""Values that a mask picks: masks of another shape than their tensor, and what they pick read as rows."""

import pytest
import torch
from torch import nn

import shapewidget


class Picked(nn.Module):
    def __init__(self, pick):
        super().__init__()
        self.hidden, self.out, self.pick = nn.Linear(6, 8), nn.Linear(8, 3), pick

    def forward(self, x, mask):
        return self.out(self.pick(self.hidden(x), mask))


def last_axis_kept(hidden, mask):
    return hidden[mask]


def of_rows(hidden, mask):
    rows = hidden.reshape(-1, 8)
    return rows[mask > 0]


def of_a_flat_mask(hidden, mask):
    keep = mask.view(-1)
    return hidden[keep]


PICKS = {
    "an axis of one": (last_axis_kept, torch.ones(4, 5, 1, dtype=torch.bool), "hidden[mask.squeeze(2)]"),
    "turned": (last_axis_kept, torch.ones(5, 4, dtype=torch.bool), "hidden[mask.transpose(0, 1)]"),
    "rows": (of_rows, torch.ones(4, 5), "rows[(mask > 0).flatten()]"),
    "a flat mask": (of_a_flat_mask, torch.ones(20, dtype=torch.bool), "hidden.flatten(0, 1)[keep]"),
}


@pytest.mark.parametrize(("pick", "mask", "fix"), PICKS.values(), ids=PICKS)
def test_a_mask_of_another_shape_is_mended(pick, mask, fix):
    found = shapewidget.probe(Picked(pick), (torch.randn(4, 5, 6), mask)).findings[0]
    assert (found.code, found.layer, found.verified) == ("SW201", "index", True)
    assert fix in found.fix


def test_a_mask_is_cut_as_the_targets_are():
    def of_the_last(outputs, batch):
        targets, mask = batch
        targets = targets[:, :, -1:]
        return nn.functional.mse_loss(outputs[mask], targets[mask])

    targets, mask = torch.randn(4, 5, 3), torch.ones(4, 5, 3, dtype=torch.bool)
    report = shapewidget.probe(nn.Linear(6, 1), torch.randn(4, 5, 6), targets=(targets, mask), loss=of_the_last)
    found = report.findings[0]
    assert (found.code, found.verified) == ("SW201", True)
    assert "outputs[mask[:, :, -1:]], targets[mask[:, :, -1:]]" in found.fix


def margins(distances, labels, rows):
    same = labels[:, None] == labels[None]
    positive, negative = rows(distances, same)
    return torch.relu(positive - negative + 0.3).mean()


def hardest(distances, same):
    count = distances.size(0)
    near = distances[~same].contiguous().view(count, -1).min(1)[0]
    far = distances[same].contiguous().view(count, -1).max(1)[0]
    return far, near


def averages(distances, same):
    count, other = distances.size(0), ~same
    far = distances.masked_select(same).view(count, -1).mean(1)
    return far, distances.masked_select(other).view(count, -1).mean(1)


@pytest.mark.parametrize("rows", [hardest, averages])
def test_pairs_of_unequal_groups_are_masked_instead_of_picked(rows):
    def loss(outputs, labels):
        return margins(torch.cdist(outputs, outputs), labels, rows)

    labels = torch.tensor([0, 0, 0, 1, 2])
    found = shapewidget.probe(nn.Linear(5, 4), torch.randn(5, 5), targets=labels, loss=loss).findings
    assert (found[0].code, found[0].verified) == ("SW204", True)
    assert "mask has picked" in found[0].reason
