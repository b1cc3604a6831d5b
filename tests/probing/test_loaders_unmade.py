"""Batches that cannot be made, and labels that do not belong to their samples."""

from __future__ import annotations

import numpy
import pytest
import torch
from loader_reports import codes, only
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import (
    DataLoader,
    Dataset,
    TensorDataset,
    default_collate,
)

import shapewidget

# -- batches that cannot be made --------------------------------------------------------------------------------------


class Samples(Dataset):
    """Twelve samples, of which some differ."""

    def __init__(self, sample):
        self.sample = sample

    def __len__(self):
        return 12

    def __getitem__(self, index):
        return self.sample(index)


def boxes(index):
    return {"image": torch.zeros(3, 8, 8), "boxes": torch.zeros(1 + index % 3, 4)}


def photos(index):
    return torch.zeros(3, 8, 9 if index == 5 else 8), index


def words(index):
    return list(range(3 + index % 4)), index % 2


def missing(index):
    return torch.zeros(3), None if index == 2 else index


UNEQUAL = [
    (boxes, "['boxes']", (0, 1), 1, 2),
    (photos, "[0]", (4, 5), 8, 9),
    (words, "[0]", (0, 1), 3, 4),
    (missing, "[1]", (0, 2), "int", "NoneType"),
]


@pytest.mark.parametrize(("sample", "field", "indices", "expected", "got"), UNEQUAL)
@pytest.mark.parametrize("workers", [0, 2])
def test_samples_that_cannot_be_stacked_are_named(sample, field, indices, expected, got, workers):
    found = only(shapewidget.check_loader(DataLoader(Samples(sample), batch_size=4, num_workers=workers)))
    assert (found.code, found.where, found.layer) == ("SW711", "loader", "default_collate")
    assert (found.expected, found.got) == (expected, got)
    assert f"`sample{field}`" in found.reason
    assert f"in sample {indices[0]} and" in found.reason
    assert f"in sample {indices[1]}:" in found.reason


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(9, 4), nn.Linear(4, 2)

    def forward(self, ids):
        return self.head(self.embedding(ids).mean(1))


def test_padding_of_unequal_words_is_run():
    found = shapewidget.probe(Words(), loss=nn.CrossEntropyLoss(), loader=DataLoader(Samples(words), 4)).findings[0]
    assert "pad_sequence" in found.fix
    assert found.verified


def test_fix_that_the_model_does_not_take_is_not_called_verified():
    found = shapewidget.check_loader(DataLoader(Samples(photos), 6), model=nn.Conv2d(3, 4, 3)).findings[0]
    assert (found.code, found.verified) == ("SW711", False)


@pytest.mark.parametrize("sample", [boxes, photos, words, missing])
def test_fix_of_unequal_samples_makes_their_batches(sample):
    code = only(shapewidget.check_loader(DataLoader(Samples(sample), 6))).fix.removeprefix("collate_fn=")
    collate = eval(code, {"default_collate": default_collate, "pad_sequence": pad_sequence, "torch": torch})
    assert codes(shapewidget.check_loader(DataLoader(Samples(sample), 6, collate_fn=collate))) == []


@pytest.mark.parametrize("sample", [boxes, photos, words, missing])
def test_samples_that_are_kept_in_a_list_are_clean(sample):
    assert codes(shapewidget.check_loader(DataLoader(Samples(sample), batch_size=4, collate_fn=list))) == []


def test_own_collate_function_that_fails_is_named():
    def stacked(samples):
        return torch.stack([sample[0] for sample in samples])

    found = only(shapewidget.check_loader(DataLoader(Samples(photos), batch_size=4, collate_fn=stacked)))
    assert (found.layer, found.expected, found.got) == ("stacked", 8, 9)


def test_probe_reports_a_loader_whose_first_batch_fails():
    report = shapewidget.probe(nn.Conv2d(3, 4, 3), loader=DataLoader(Samples(boxes), batch_size=4))
    assert only(report).layer == "default_collate"
    assert report.graph.layers


class Opaque(nn.Module):
    def forward(self, *things):
        raise TypeError("not like this")


def test_probe_reports_the_loader_where_no_batch_can_be_derived_either():
    assert only(shapewidget.probe(Opaque(), loader=DataLoader(Samples(boxes), batch_size=4))).code == "SW711"


def test_sample_that_raises_is_named():
    found = only(shapewidget.check_loader(DataLoader(Samples(lambda index: 1 // (index - 9)), batch_size=4)))
    assert (found.code, found.layer) == ("SW712", "__getitem__")
    assert "sample 9" in found.reason
    assert "ZeroDivisionError" in found.reason
    assert found.source.label == "test_loaders_unmade.py"


# -- labels -----------------------------------------------------------------------------------------------------------


def labelled(samples, labels, *shape):
    for _ in range(3):
        yield torch.randn(samples, 4), torch.zeros(labels, *shape)


def test_labels_that_are_too_few_are_the_loaders_fault():
    def batches():
        for rows, _ in labelled(32, 32):
            yield rows, torch.zeros(8).long()

    found = shapewidget.probe(nn.Linear(4, 3), loss=nn.CrossEntropyLoss(), loader=batches()).findings[0]
    assert (found.code, found.where, found.expected, found.got, found.verified) == ("SW713", "loader", 32, 8, True)
    assert "32 = 4 x 8" in found.reason


def test_labels_that_are_too_few_are_found_without_a_model():
    assert only(shapewidget.check_loader(labelled(32, 8))).code == "SW713"


def test_one_label_for_a_batch_is_found_where_the_loss_spreads_it():
    assert only(shapewidget.probe(nn.Linear(4, 1), loss=nn.MSELoss(), loader=labelled(8, 1, 1))).code == "SW714"


@pytest.mark.parametrize(
    ("batches", "loss"),
    [
        (labelled(8, 8, 1), nn.MSELoss()),
        (labelled(8, 4, 1), lambda outputs, targets: (outputs[: len(targets)] - targets).pow(2).mean()),
    ],
)
def test_labels_that_the_loss_is_made_for_are_clean(batches, loss):
    assert codes(shapewidget.probe(nn.Linear(4, 1), loss=loss, loader=batches)) == []


class Slices:
    """Cuts its own batches, as a generator class for `fit` does."""

    def __init__(self, stop=lambda index: (index + 1) * 16, rows=None):
        self.x, self.y = 1 + numpy.random.rand(54, 5), numpy.random.randint(1, 4, 54)
        self.size, self.stop, self.rows = 16, stop, rows

    def __len__(self):
        return 4

    def __getitem__(self, index):
        taken = range(index * 16, min(54, self.stop(index)))
        if not taken:
            raise ValueError("need at least one array to stack")
        x, y = numpy.zeros((self.rows or len(taken), 5)), numpy.zeros(self.rows or len(taken), int)
        for row, sample in enumerate(taken):
            x[row], y[row] = self.x[sample], self.y[sample]
        return x, y


def test_last_batch_that_is_filled_with_zeros_is_found():
    found = only(shapewidget.check_loader(Slices(rows=16)))
    assert (found.code, found.expected, found.got) == ("SW715", 6, 16)


def test_slices_that_are_cut_wrongly_are_found():
    found = only(shapewidget.check_loader(Slices(stop=lambda index: 16 + index + 1)))
    assert (found.code, found.layer, found.expected, found.got) == ("SW712", "__getitem__", 16, 17)


def test_slices_that_are_cut_rightly_are_clean():
    report = shapewidget.check_loader(Slices())
    assert codes(report) == []
    assert [batch.size for batch in report.batches] == [16, 16, 16, 6]


@pytest.mark.parametrize(("behind", "expected"), [(-1, ["SW716"]), (0, [])])
def test_target_that_stands_in_its_window_is_found(behind, expected):
    series = torch.randn(60, 2)
    windows = torch.stack([series[start : start + 10] for start in range(40)])
    targets = torch.stack([series[start + 10 + behind] for start in range(40)])
    report = shapewidget.check_loader(DataLoader(TensorDataset(windows, targets), batch_size=8))
    assert codes(report) == expected
    assert all(finding.verified for finding in report.findings)


def test_target_that_is_the_first_step_of_its_window_is_told_how_far_to_move():
    series = torch.randn(60, 1)
    windows = torch.stack([series[start : start + 10] for start in range(50)])
    found = only(shapewidget.check_loader(DataLoader(TensorDataset(windows, series[:50]), batch_size=10)))
    assert (found.expected, found.got, found.verified) == ("step 10, behind the window", "step 0", True)
    assert "targets[10:]" in found.fix
    order = torch.randperm(50)
    mixed = DataLoader(TensorDataset(windows[order], series[:50][order]), batch_size=10)
    assert not only(shapewidget.check_loader(mixed)).verified


def test_picture_of_one_channel_among_others_is_expanded():
    class Pictures(Dataset):
        def __len__(self):
            return 8

        def __getitem__(self, index):
            return torch.zeros(1 if index == 3 else 3, 6, 6), index

    found = only(shapewidget.check_loader(DataLoader(Pictures(), batch_size=4), model=nn.Conv2d(3, 2, 3)))
    assert (found.code, found.expected, found.got) == ("SW711", 3, 1)
    assert "expand(3, -1, -1)" in found.fix
    assert found.verified


def test_data_set_whose_features_stand_in_front_of_its_samples_is_told_with_a_patch():
    rows, labels = torch.randn(5, 40), torch.arange(40) % 3
    with shapewidget.capture(reraise=False) as report:
        TensorDataset(rows, labels)
    found = only(report)
    assert (found.code, found.layer, found.expected, found.got, found.verified) == (
        "SW713",
        "TensorDataset",
        5,
        40,
        True,
    )
    assert "with the samples along axis 1" in found.reason
    assert "+        TensorDataset(rows.T, labels)" in found.patch
    with shapewidget.capture(reraise=False) as report:
        TensorDataset(rows, labels[:30])
    assert not only(report).verified
