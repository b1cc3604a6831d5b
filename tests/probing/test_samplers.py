"""Samplers that know of another number of samples than their loader's data set has."""

import pytest
import torch
from loader_reports import codes, only
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    DistributedSampler,
    RandomSampler,
    Sampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

import shapewidget

LABELS = torch.arange(60) % 3
DATA = TensorDataset(torch.randn(60, 4), LABELS)
WEIGHTS = torch.tensor([0.2, 0.3, 0.5])


def loader(sampler):
    return DataLoader(DATA, batch_size=10, sampler=sampler)


def test_weights_of_classes_given_to_a_sampler_are_found_with_a_fix_that_was_run():
    found = only(shapewidget.check_loader(loader(WeightedRandomSampler(WEIGHTS, 60))))
    assert (found.code, found.layer, found.expected, found.got) == ("SW720", "WeightedRandomSampler", 60, 3)
    assert "only samples 0 to 2 are ever drawn" in found.reason
    assert found.verified


def test_weights_that_are_no_classes_are_found_without_a_fix_that_was_run():
    found = only(shapewidget.check_loader(loader(WeightedRandomSampler(torch.ones(2), 60))))
    assert (found.got, found.verified) == (2, False)


def test_weights_of_the_whole_data_given_with_a_part_of_it_are_mended_by_those_of_the_part():
    part = Subset(DATA, range(5, 53))
    found = only(shapewidget.check_loader(DataLoader(part, 10, sampler=WeightedRandomSampler(WEIGHTS[LABELS], 60))))
    assert (found.code, found.expected, found.got, found.verified) == ("SW720", 48, 60, True)
    assert found.fix == "one weight for each of the 48 samples: weights[dataset.indices]"


def test_weights_of_data_that_the_part_is_not_of_have_no_fix_that_was_run():
    part, weights = Subset(DATA, range(48)), torch.ones(50)
    found = only(shapewidget.check_loader(DataLoader(part, 10, sampler=WeightedRandomSampler(weights, 60))))
    assert (found.code, found.got, found.verified) == ("SW720", 50, False)


def test_sampler_of_another_data_set_is_found():
    found = only(shapewidget.check_loader(loader(RandomSampler(TensorDataset(torch.zeros(40))))))
    assert (found.code, found.layer, found.expected, found.got) == ("SW720", "RandomSampler", 60, 40)


def test_sampler_of_a_longer_data_set_is_named_with_the_error_that_it_ends_in():
    longer = DistributedSampler(TensorDataset(torch.zeros(80)), 2, 0)
    found = {each.code: each for each in shapewidget.check_loader(loader(longer)).findings}
    assert found["SW720"].got == 80
    assert "which ends in IndexError" in found["SW720"].reason
    assert "SW712" not in found


@pytest.mark.parametrize(
    "sampler",
    [
        WeightedRandomSampler(WEIGHTS[LABELS], 60),
        WeightedRandomSampler(WEIGHTS[LABELS], 20, replacement=False),
        SubsetRandomSampler(range(0, 60, 2)),
        RandomSampler(DATA, replacement=True, num_samples=200),
    ],
)
def test_sampler_of_the_own_data_set_is_clean(sampler):
    assert codes(shapewidget.check_loader(loader(sampler))) == []
    batches = DataLoader(DATA, batch_sampler=BatchSampler(sampler, 7, drop_last=False))
    assert codes(shapewidget.check_loader(batches)) == []


class Identities(Sampler):
    """Draws from a list of its own, in another order each time."""

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return self.rows

    def __iter__(self):
        return iter(torch.randperm(self.rows).tolist())


class Grouped(Sampler):
    """Draws two of each class by turns; it is made of what names the class of every sample."""

    def __init__(self, source, size=2):
        self.size, self.places = size, {}
        for place, (_, label) in enumerate(source):
            self.places.setdefault(int(label), []).append(place)

    def __len__(self):
        return sum(map(len, self.places.values()))

    def __iter__(self):
        return iter([place for places in self.places.values() for place in places])


def test_own_sampler_is_made_of_the_data_of_its_loader_to_prove_the_fix():
    of_a_part = Grouped(Subset(SORTED, range(16)))
    found = only(shapewidget.check_loader(DataLoader(SORTED, batch_size=8, sampler=of_a_part)))
    assert (found.code, found.layer, found.expected, found.got, found.verified) == ("SW720", "Grouped", 48, 16, True)


SORTED = TensorDataset(torch.randn(48, 4), torch.arange(48) // 12)
MIXED = TensorDataset(torch.randn(48, 4), torch.arange(48) % 4)


@pytest.mark.parametrize(("data", "rows", "expected"), [
    (SORTED, 16, ["SW720"]), (SORTED, 48, []), (MIXED, 16, []), (Subset(SORTED, range(16)), 16, [])
])  # fmt: skip
def test_own_sampler_that_never_comes_to_some_classes_is_found(data, rows, expected):
    report = shapewidget.check_loader(DataLoader(data, batch_size=8, sampler=Identities(rows)))
    assert codes(report) == expected


class Windows(Dataset):
    """Windows of five rows, each with the label behind it."""

    def __init__(self, length, *, missing=None):
        self.rows, self.length, self.missing = torch.randn(40, 3), length, missing

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if index == self.missing:
            raise IndexError("no such row")
        return self.rows[index : index + 5], self.rows[index + 5]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("length", [36, 40])
def test_length_beyond_the_last_sample_is_told_with_the_one_that_holds(length, shuffle):
    report = shapewidget.check_loader(DataLoader(Windows(length), batch_size=4, shuffle=shuffle))
    (found,) = [finding for finding in report.findings if finding.severity != "note"]
    assert (found.code, found.layer, found.expected, found.got, found.verified) == (
        "SW712",
        "__len__",
        35,
        length,
        True,
    )


def test_one_sample_that_cannot_be_read_is_not_laid_to_the_length():
    report = shapewidget.check_loader(DataLoader(Windows(35, missing=20), batch_size=4))
    assert [finding.layer for finding in report.findings] == ["__getitem__"]
    assert not shapewidget.check_loader(DataLoader(Windows(35), batch_size=5)).findings


WHOLE = TensorDataset(torch.randn(50, 3))


@pytest.mark.parametrize(
    ("dataset", "indices", "fix"),
    [
        (Subset(WHOLE, range(20, 50)), range(20, 50), "shuffle=True alone"),
        (Subset(WHOLE, range(30)), range(30, 50), "the data set that the indices are of"),
        (Subset(WHOLE, range(30)), range(30), None),
        (WHOLE, range(20, 50), None),
    ],
)
def test_indices_of_another_data_set_are_told_of_the_sampler(dataset, indices, fix):
    report = shapewidget.check_loader(DataLoader(dataset, batch_size=5, sampler=SubsetRandomSampler(indices)))
    serious = [finding for finding in report.findings if finding.severity != "note"]
    assert [(found.code, found.layer, found.expected, found.got) for found in serious] == (
        [("SW720", "SubsetRandomSampler", 30, 50)] if fix else []
    )
    assert all(fix in found.fix for found in serious)
