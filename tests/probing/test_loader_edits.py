"""Batches that come out right once one expression of the program is another: it is found, and the fix is run."""

import numpy as np
import pytest
import torch
from loader_reports import codes, only
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset

import shapewidget


def triplets(count, share=1):
    """Pictures of anchors and others, with labels for a part of them."""
    for _ in range(5):
        labels = torch.zeros(count // 3 if share == 3 else count)
        yield torch.randn(count, 4), labels


class HalfTheLabels(IterableDataset):
    def __init__(self, divides):
        self.divides = divides

    def __iter__(self):
        for start in range(0, 40, 8):
            rows = np.arange(start, start + 8)
            yield torch.randn(len(rows), 4), torch.zeros(int(len(rows) / 2) if self.divides else len(rows))


class Pairs(Dataset):
    def __init__(self, divides):
        self.divides = divides

    def __len__(self):
        return 12

    def __getitem__(self, index):
        return torch.randn(4), index


def halved(samples):
    return torch.stack([x for x, _ in samples]), torch.tensor([y for _, y in samples])[: len(samples) // 2]


def whole(samples):
    return torch.stack([x for x, _ in samples]), torch.tensor([y for _, y in samples])[: len(samples)]


class Windows:
    """Batches by their number, cut from arrays."""

    def __init__(self, is_right, rows=50, size=10):
        self.x, self.y = np.zeros((rows, 4), "float32"), np.zeros((rows, 1), "float32")
        self.size, self.is_right = size, is_right

    def __len__(self):
        return len(self.x) // self.size

    def __getitem__(self, number):
        stop = (number + 1) * self.size if self.is_right else self.size + number
        rows = np.arange(len(self.x))[number * self.size : stop]
        return np.stack([self.x[row] for row in rows]), np.stack([self.y[row] for row in rows])


@pytest.mark.parametrize(
    ("wrong", "right", "expression", "sizes"),
    [
        (triplets(12, 3), triplets(12), "count // 3", (12, 4)),
        (
            DataLoader(HalfTheLabels(True), batch_size=None),
            DataLoader(HalfTheLabels(False), batch_size=None),
            "len(rows) / 2",
            (8, 4),
        ),
        (
            DataLoader(Pairs(True), 4, collate_fn=halved),
            DataLoader(Pairs(False), 4, collate_fn=whole),
            "len(samples) // 2",
            (4, 2),
        ),
    ],
)
def test_size_that_is_divided_is_named_as_the_cause_and_left_whole(wrong, right, expression, sizes):
    found = only(shapewidget.check_loader(wrong))
    assert (found.code, found.expected, found.got) == ("SW713", *sizes)
    assert f"`{expression}` at test_loader_edits.py" in found.reason
    assert found.source.expression == expression
    assert found.verified
    assert found.patch.startswith("--- test_loader_edits.py")
    assert codes(shapewidget.check_loader(right)) == []


def test_slice_that_is_cut_wrongly_is_mended_and_the_model_run():
    report = shapewidget.check_loader(Windows(is_right=False), model=nn.Linear(4, 1), loss=nn.MSELoss())
    found = next(each for each in report.findings if each.code == "SW712")
    assert (found.expected, found.got) == (10, 1)
    assert "50 rows in 5 batches would be 10 each" in found.reason
    assert "number * self.size:(number + 1) * self.size" in found.fix
    assert found.verified
    assert codes(shapewidget.check_loader(Windows(is_right=True))) == []


def test_labels_of_another_number_without_a_divided_size_keep_their_advice():
    found = only(shapewidget.check_loader([(torch.zeros(8, 4), torch.zeros(4))]))
    assert found.patch is None
    assert "one label for each sample" in found.fix


def test_trying_edits_leaves_the_loader_and_its_class_alone():
    loader = Windows(is_right=False)
    before = dict(vars(loader)), Windows.__getitem__
    shapewidget.check_loader(loader)
    assert (dict(vars(loader)), Windows.__getitem__) == before
    assert type(loader) is Windows
