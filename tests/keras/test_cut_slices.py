"""Batches that an object of the user's cuts from arrays, each at its own rows or at others."""

import math

import keras
import numpy as np
import pytest

import shapewidget

RNG = np.random.default_rng(0)
ROWS, LABELS = RNG.random((104, 4), dtype="float32"), RNG.integers(0, 3, 104)


class Cut(keras.utils.PyDataset):
    def __init__(self):
        super().__init__()
        self.rows, self.labels, self.size = ROWS, LABELS, 8

    def __len__(self):
        return math.ceil(len(self.rows) / self.size)

    def __getitem__(self, index):
        first = index * self.size
        return self.rows[first : first + self.size], self.labels[first : first + self.size]


class LabelsOfTheIndex(Cut):
    def __getitem__(self, index):
        first = index * self.size
        return self.rows[first : first + self.size], self.labels[index : index + self.size]


class OverOneAnother(Cut):
    def __getitem__(self, index):
        return self.rows[index : index + self.size], self.labels[index : index + self.size]


class ForetellsTheNext(Cut):
    def __len__(self):
        return 12

    def __getitem__(self, index):
        first = index * self.size
        return self.rows[first : first + self.size], self.labels[first + 1 : first + self.size + 1]


class EveryWindow(OverOneAnother):
    def __len__(self):
        return len(self.rows) - self.size + 1


def serious(loader):
    return [finding for finding in shapewidget.check_loader(loader).findings if finding.severity != "note"]


def test_labels_that_are_cut_at_other_rows_are_told_with_the_slice_that_mends_it():
    (found,) = serious(LabelsOfTheIndex())
    assert (found.code, found.expected, found.got, found.verified) == ("SW725", 8, 1, True)
    assert "self.labels[index * self.size:(index + 1) * self.size]" in found.fix


def test_batches_that_are_cut_over_one_another_are_told_with_both_slices():
    (found,) = serious(OverOneAnother())
    assert (found.code, found.expected, found.got, found.verified) == ("SW703", 8, 1, True)
    assert found.fix.count("index * self.size:(index + 1) * self.size") == 2
    assert "the other 84 of 104 rows are never read" in found.reason


def by_the_index():
    rows, labels = ROWS, LABELS
    for index in range(13):
        yield rows[8 * index : 8 * index + 8], labels[index : index + 8]


def test_labels_of_a_generator_that_are_cut_at_other_rows_are_told():
    (found,) = serious(by_the_index())
    assert (found.code, found.expected, found.got) == ("SW725", 8, 1)


@pytest.mark.parametrize("kind", [Cut, ForetellsTheNext, EveryWindow])
def test_rows_that_stay_together_are_clean(kind):
    assert serious(kind()) == []


class OneTooMany(Cut):
    def __len__(self):
        return len(self.rows) // self.size + 1


class AsLongAsItsRows(Cut):
    def __len__(self):
        return len(self.rows)


@pytest.mark.parametrize(("kind", "got"), [(OneTooMany, 14), (AsLongAsItsRows, 104)])
def test_length_beyond_the_last_batch_is_told_with_the_one_that_holds(kind, got):
    (found,) = serious(kind())
    assert (found.code, found.expected, found.got, found.verified) == ("SW706", 13, got, True)
    assert "13 in __len__" in found.fix
