"""`shapewidget.check_loader` and `probe(..., loader=...)` on wrong programs and on their right twins."""

from __future__ import annotations

import itertools
import random

import numpy
import pytest
import torch
from loader_reports import DATA, LABELS, ROWS, codes, only
from torch import nn
from torch.nn.utils.rnn import pack_sequence
from torch.utils.data import (
    DataLoader,
    Dataset,
    DistributedSampler,
    TensorDataset,
)

import shapewidget
from shapewidget.errors import InputError

# -- the timeline -----------------------------------------------------------------------------------------------------


def test_check_loader_shows_the_short_last_batch_and_finds_no_fault():
    report = shapewidget.check_loader(DataLoader(DATA, batch_size=32, shuffle=True))
    assert [batch.size for batch in report.batches] == [32, 32, 32, 7]
    assert report.ok
    assert "4 batches: 32, 32, 32, 7" in str(report)
    (note,) = report.findings
    assert (note.code, note.expected, note.got) == ("SW701", 32, 7)


def test_check_loader_names_the_parts_of_nested_batches():
    batches = [{"image": torch.zeros(2, 3, 8, 8), "boxes": [torch.zeros(5, 4), torch.zeros(1, 4)]}]
    (batch,) = shapewidget.check_loader(batches).batches
    assert batch.shapes == (("['image']", (2, 3, 8, 8)), ("['boxes'][0]", (5, 4)), ("['boxes'][1]", (1, 4)))


@pytest.mark.parametrize(
    "batch",
    [
        [(torch.zeros(3, 8, 8), torch.zeros(2, 4))] * 5,
        ([torch.zeros(3, 8, 8)] * 5, torch.zeros(5)),
        [[torch.zeros(3, 8, 8)] * 5, [torch.zeros(2, 4)] * 5],
        (torch.zeros(5, 2), [torch.zeros(2, 4)] * 5),
        pack_sequence([torch.zeros(length, 2) for length in (7, 6, 3, 3, 1)]),
    ],
)
def test_check_loader_counts_the_samples_of_a_batch(batch):
    report = shapewidget.check_loader([batch])
    assert [batch.size for batch in report.batches] == [5]
    assert codes(report) == []


def test_check_loader_reads_arrays_of_numpy():
    (batch,) = shapewidget.check_loader([(numpy.zeros((5, 4), "float32"), numpy.zeros(5, "int64"))]).batches
    assert [part.spec.dtype for part in batch.parts] == ["float32", "int64"]


def test_check_loader_stops_at_the_limit_and_says_so():
    report = shapewidget.check_loader(DataLoader(DATA, batch_size=10), limit=3)
    assert [batch.index for batch in report.batches] == [0, 1, 2, 10]
    assert report.notes == ("Only the first 3 of 11 batches were read.",)


def endless():
    while True:
        yield torch.randn(4, 4), torch.randn(4, 1)


def test_check_loader_stops_in_a_generator_without_end_and_leaves_it_unstarted():
    generator = endless()
    report = shapewidget.check_loader(generator)
    assert len(report.batches) == 100
    assert generator.gi_frame.f_lasti == endless().gi_frame.f_lasti


def test_check_loader_copies_a_generator_with_its_arguments_and_its_scope():
    size = 6

    def batches(count, *shape, label=0):
        for _ in range(count):
            yield torch.full((size, *shape), float(label))

    report = shapewidget.check_loader(batches(3, 2, 5, label=1))
    assert [batch.shapes for batch in report.batches] == [(("", (6, 2, 5)),)] * 3


def started():
    generator = endless()
    next(generator)
    return generator


@pytest.mark.parametrize(
    ("loader", "said"),
    [
        (started, "already been started"),
        (lambda: (batch for batch in iter([1, 2])), "only once"),
        (lambda: zip([1], [2], strict=True), "only once"),
        (lambda: torch.zeros(3), "is no loader"),
        (lambda: 7, "is no loader"),
    ],
)
def test_check_loader_refuses_what_it_would_use_up(loader, said):
    with pytest.raises(InputError, match=said):
        shapewidget.check_loader(loader())


@pytest.mark.parametrize("arguments", [{"ranks": 0}, {"limit": 0}, {"ranks": True}, {"loss": nn.MSELoss()}])
def test_check_loader_refuses_arguments_without_sense(arguments):
    with pytest.raises(InputError, match=r"Expected|Give both"):
        shapewidget.check_loader(DataLoader(DATA, batch_size=8), **arguments)


# -- nothing is changed -----------------------------------------------------------------------------------------------


class Noisy(Dataset):
    """Draws from every generator there is, and counts."""

    def __init__(self):
        self.reads = 0
        self.numpy, self.torch = numpy.random.default_rng(0), torch.Generator().manual_seed(0)

    def __len__(self):
        return 12

    def __getitem__(self, index):
        self.reads += 1
        noise = random.random() + numpy.random.rand() + self.numpy.random() + float(torch.rand(1, generator=self.torch))
        return torch.rand(3) + noise, index


HEAD = nn.Linear(3, 2)


@pytest.mark.parametrize("check", [shapewidget.check_loader, lambda it: shapewidget.probe(HEAD, loader=it)])
def test_loader_gives_the_same_batches_as_if_nobody_had_looked(check):
    def batches(looks):
        for seed in (random.seed, numpy.random.seed, torch.manual_seed):
            seed(1)
        data = Noisy()
        loader = DataLoader(data, batch_size=5, shuffle=True, generator=torch.Generator().manual_seed(2))
        if looks:
            check(loader)
        assert data.reads == 0
        return [(x.tolist(), y.tolist()) for _ in range(2) for x, y in loader]

    assert batches(looks=True) == batches(looks=False)


def test_epoch_of_a_sampler_stays():
    sampler = DistributedSampler(DATA, 2, 0)
    sampler.set_epoch(3)
    before = list(sampler)
    shapewidget.check_loader(DataLoader(DATA, batch_size=8, sampler=sampler))
    assert (sampler.epoch, list(sampler)) == (3, before)


# -- batches that a model does not take -------------------------------------------------------------------------------


class Meter(nn.Module):
    def __init__(self, rows=None):
        super().__init__()
        self.rows = rows
        self.cell = nn.GRU(4, 6, batch_first=True)

    def forward(self, x):
        return self.cell(x, torch.zeros(1, self.rows or x.shape[0], 6))[0][:, -1]


WINDOWS = TensorDataset(torch.randn(50, 9, 4), torch.randn(50, 6))


def test_state_for_full_batches_is_refused_by_the_last_one():
    found = only(shapewidget.probe(Meter(8), loss=nn.MSELoss(), loader=DataLoader(WINDOWS, batch_size=8)))
    assert (found.code, found.layer, found.expected, found.got, found.verified) == ("SW702", "cell", 2, 8, True)
    assert "50 samples in batches of 8 leave a last batch of 2" in found.reason


def test_last_batch_is_tried_where_a_probe_reads_only_the_first_ones():
    data = TensorDataset(torch.randn(1211, 3, 4), torch.randn(1211, 6))
    report = shapewidget.check_loader(DataLoader(data, batch_size=10), model=Meter(10), loss=nn.MSELoss(), limit=4)
    assert only(report).code == "SW702"


@pytest.mark.parametrize(("model", "size", "drop"), [(None, 8, False), (None, 8, True), (8, 8, True), (10, 10, False)])
def test_state_that_fits_every_batch_is_clean(model, size, drop):
    loader = DataLoader(WINDOWS, batch_size=size, drop_last=drop, shuffle=drop and model is None)
    assert codes(shapewidget.probe(Meter(model), loss=nn.MSELoss(), loader=loader)) == []


def normed():
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))


def test_batch_norm_refuses_a_last_batch_of_one():
    report = shapewidget.probe(normed(), loss=nn.MSELoss(), loader=DataLoader(DATA, batch_size=6))
    found = only(report)
    assert (found.code, found.where, found.layer, found.got) == ("SW702", "module", "1", 1)


@pytest.mark.parametrize("setting", [{"drop_last": True}, {"batch_size": 10}])
def test_batch_norm_is_clean_without_a_batch_of_one(setting):
    loader = DataLoader(DATA, **{"batch_size": 6, **setting})
    assert codes(shapewidget.probe(normed(), loss=nn.MSELoss(), loader=loader)) == []


def test_batch_norm_in_evaluation_takes_a_last_batch_of_one():
    assert codes(shapewidget.probe(normed().eval(), loss=nn.MSELoss(), loader=DataLoader(DATA, batch_size=6))) == []


# -- samples that are left out ----------------------------------------------------------------------------------------


def test_drop_last_in_a_fixed_order_leaves_the_same_samples_out():
    found = only(shapewidget.probe(nn.Linear(4, 1), loss=nn.MSELoss(), loader=DataLoader(DATA, 32, drop_last=True)))
    assert (found.code, found.where, found.expected, found.got, found.verified) == ("SW703", "loader", 103, 96, True)


def test_drop_last_with_shuffling_is_a_note():
    loader = DataLoader(DATA, batch_size=32, shuffle=True, drop_last=True)
    report = shapewidget.check_loader(loader)
    assert (report.ok, report.findings[0].code) == (True, "SW705")


def test_drop_last_that_leaves_no_batch_is_found():
    small = TensorDataset(ROWS[:50].clone(), LABELS[:50].clone())
    loader = DataLoader(small, batch_size=64, shuffle=True, drop_last=True)
    found = only(shapewidget.probe(nn.Linear(4, 1), loss=nn.MSELoss(), loader=loader))
    assert (found.code, found.expected, found.got) == ("SW704", 64, 50)


def test_empty_loader_is_found():
    assert only(shapewidget.check_loader([])).code == "SW704"


class Pair:
    """Two loaders read side by side."""

    def __init__(self, pairs, shuffle=False):
        self.one = DataLoader(TensorDataset(ROWS[:40]), batch_size=10, shuffle=shuffle)
        self.two = DataLoader(TensorDataset(ROWS[:100]), batch_size=10, shuffle=shuffle)
        self.pairs = pairs

    def __iter__(self):
        for (x,), (u,) in self.pairs(self.one, self.two):
            yield torch.cat([x, u])


def by_hand(one, two):
    shorter = iter(one)
    for batch in two:
        try:
            other = next(shorter)
        except StopIteration:
            shorter = iter(one)
            other = next(shorter)
        yield other, batch


def test_zip_that_ends_with_the_shorter_loader_is_found():
    found = only(shapewidget.probe(nn.Linear(4, 1), loader=Pair(zip)))
    assert (found.code, found.where, found.layer, found.expected, found.got) == ("SW721", "loader", "zip", 10, 4)


@pytest.mark.parametrize("pairs", [lambda one, two: zip(itertools.cycle(one), two, strict=False), by_hand])
def test_shorter_loader_that_is_repeated_is_clean(pairs):
    assert codes(shapewidget.probe(nn.Linear(4, 1), loader=Pair(pairs))) == []


def test_zip_of_shuffled_loaders_is_a_note():
    report = shapewidget.check_loader(Pair(zip, shuffle=True))
    assert (report.ok, report.findings[0].code) == (True, "SW722")
