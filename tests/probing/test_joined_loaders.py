"""Two loaders that a loader reads side by side: in one order, or each in its own, by mistake or on purpose."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import shapewidget

LOW, HIGH = torch.randn(30, 4), torch.randn(30, 3)
LABELS = torch.arange(30) % 2


class Read:
    """Reads loaders side by side, and makes a batch of what they give."""

    def __init__(self, make, *loaders):
        self.make, self.loaders = make, loaders

    def __len__(self):
        return min(map(len, self.loaders))

    def __iter__(self):
        for batches in zip(*self.loaders, strict=False):
            yield self.make(*batches)


def loader(*tensors, seed=None, shuffle=True):
    generator = torch.Generator().manual_seed(seed) if seed is not None else None
    return DataLoader(TensorDataset(*tensors), batch_size=6, shuffle=shuffle, generator=generator)


def joined(one, other):
    return torch.cat((one[0], other[0]), 1), one[1]


def stacked(one, other):
    return torch.stack((one[0], other[0]), 1), one[1]


def told(loader, **given):
    return [(each.code, each.verified) for each in shapewidget.check_loader(loader, **given).findings]


def supervised():
    return {"model": nn.Linear(4, 3), "loss": nn.MSELoss()}


def test_features_of_two_loaders_that_shuffle_each_are_told():
    read = Read(joined, loader(LOW, LABELS), loader(HIGH))
    report = shapewidget.check_loader(read)
    (found,) = report.findings
    assert (found.code, found.layer, found.where, found.verified) == ("SW733", "Read", "loader", True)
    assert "shuffle their 30 samples for themselves" in found.reason


def test_pictures_stacked_of_two_loaders_are_told():
    assert told(Read(stacked, loader(LOW, LABELS), loader(LOW + 9))) == [("SW733", True)]


def test_inputs_of_one_loader_and_targets_of_another_are_told_where_a_loss_compares_them():
    read = Read(lambda one, other: (one[0], other[0]), loader(LOW), loader(HIGH))
    assert told(read, **supervised()) == [("SW725", False)]
    assert told(read) == []  # as pictures of two styles are paired by chance on purpose


def pairs_of_one_class(one, other):
    return torch.stack((one[0], other[0]), 1), one[1] == other[1]


def joined_in_the_batch(one, other):
    return torch.cat((one[0], other[0])), torch.cat((one[1], one[1]))


RIGHT = {
    "one seed": lambda: Read(joined, loader(LOW, LABELS, seed=3), loader(HIGH, seed=3)),
    "fixed orders": lambda: Read(joined, loader(LOW, LABELS, shuffle=False), loader(HIGH, shuffle=False)),
    "one data set": lambda: Read(lambda one: (torch.cat(one[:2], 1), one[2]), loader(LOW, HIGH, LABELS)),
    "pairs by chance": lambda: Read(pairs_of_one_class, loader(LOW, LABELS), loader(LOW + 9, LABELS)),
    "other lengths": lambda: Read(joined, loader(LOW, LABELS), loader(HIGH[:24])),
    "joined along the batch": lambda: Read(joined_in_the_batch, loader(LOW, LABELS), loader(LOW + 9)),
}


@pytest.mark.parametrize("make", RIGHT.values(), ids=RIGHT.keys())
def test_loaders_that_are_read_side_by_side_on_purpose_raise_no_alarm(make):
    assert not {"SW733", "SW725"} & {code for code, _ in told(make())}


def test_loaders_are_left_as_found():
    read = Read(joined, loader(LOW, LABELS), loader(HIGH))
    torch.manual_seed(5)
    expected = [x for x, _ in read]
    torch.manual_seed(5)
    shapewidget.check_loader(read)
    assert all(torch.equal(x, one) for (x, _), one in zip(read, expected, strict=True))
