"""`shapewidget.check_loader` and `probe(..., loader=...)` on wrong programs and on their right twins."""

from __future__ import annotations

import itertools
import random

import numpy
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence, pad_sequence
from torch.utils.data import (
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    Sampler,
    Subset,
    TensorDataset,
    default_collate,
    get_worker_info,
)

import shapewidget
from shapewidget.errors import InputError

ROWS, LABELS = torch.randn(103, 4), torch.randn(103, 1)
DATA = TensorDataset(ROWS, LABELS)


def codes(report):
    """The findings that are no mere notes."""
    return [finding.code for finding in report.findings if finding.severity != "note"]


def only(report):
    """The one finding that is no mere note."""
    (found,) = [finding for finding in report.findings if finding.severity != "note"]
    return found


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
    assert found.source.label == "test_loaders.py"


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
    assert codes(shapewidget.check_loader(DataLoader(TensorDataset(windows, targets), batch_size=8))) == expected


# -- workers and ranks ------------------------------------------------------------------------------------------------


class Stream(IterableDataset):
    def __init__(self, is_shared):
        self.is_shared = is_shared

    def __iter__(self):
        info = get_worker_info()
        first, step = (info.id, info.num_workers) if info is not None and self.is_shared else (0, 1)
        return (torch.tensor([float(place)]) for place in range(first, 20, step))


@pytest.mark.parametrize(("is_shared", "expected"), [(False, ["SW731"]), (True, [])])
def test_workers_that_all_read_the_whole_stream_are_found(is_shared, expected):
    report = shapewidget.check_loader(DataLoader(Stream(is_shared), batch_size=4, num_workers=2))
    assert codes(report) == expected
    assert sum(batch.size for batch in report.batches) == (20 if is_shared else 40)


def split_by(sampler, datasets=None):
    """The loaders of four ranks."""
    sets = datasets or [DATA] * 4
    return [DataLoader(data, batch_size=8, sampler=sampler(data, rank)) for rank, data in enumerate(sets)]


def shuffled(data, rank, **settings):
    return DistributedSampler(data, 4, rank, **settings)


class Strided(Sampler):
    def __init__(self, data, rank):
        self.places = range(rank, len(data), 4)

    def __iter__(self):
        return iter(self.places)

    def __len__(self):
        return len(self.places)


def shards(make):
    return [make(range(rank, 103, 4)) for rank in range(4)]


def copied(places):
    return TensorDataset(ROWS[list(places)], LABELS[list(places)])


QUARTER = TensorDataset(ROWS[:25], LABELS[:25])

RANKS = {
    "right": (split_by(shuffled), None),
    "a slice of the data": (split_by(shuffled, [TensorDataset(ROWS[:80], LABELS[:80])] * 4), None),
    "a copy for each": (split_by(shuffled, [TensorDataset(ROWS.clone(), LABELS.clone()) for _ in range(4)]), None),
    "parts by hand": (split_by(lambda data, _: RandomSampler(data), shards(lambda it: Subset(DATA, it))), None),
    "leaves out and shuffles": (split_by(lambda d, r: shuffled(d, r, drop_last=True)), None),
    "a quarter, divided": (split_by(shuffled, [QUARTER] * 4), ("SW741", 26, 7)),
    "parts, divided": (split_by(shuffled, shards(lambda it: Subset(DATA, it))), ("SW741", 26, 7)),
    "copied parts, divided": (split_by(shuffled, shards(copied)), ("SW741", 26, 7)),
    "no sampler": (split_by(lambda data, _: RandomSampler(data)), ("SW743", 26, 103)),
    "one rank four times": (split_by(lambda data, _: shuffled(data, 0)), ("SW743", 26, 26)),
    "other seeds": (split_by(lambda data, rank: shuffled(data, rank, seed=rank)), ("SW743", 26, 26)),
    "filled up for evaluation": (split_by(lambda d, r: shuffled(d, r, shuffle=False)), ("SW743", 103, 104)),
    "eight replicas": (split_by(lambda data, rank: DistributedSampler(data, 8, rank)), ("SW742", 103, 52)),
    "leaves out": (split_by(lambda d, r: shuffled(d, r, shuffle=False, drop_last=True)), ("SW742", 103, 100)),
}


@pytest.mark.parametrize("name", RANKS)
def test_what_the_ranks_read(name):
    loaders, expected = RANKS[name]
    report = shapewidget.check_loader(loaders)
    if expected is None:
        assert codes(report) == []
    else:
        found = only(report)
        assert (found.code, found.expected, found.got) == expected
    assert any(finding.code == "SW745" for finding in report.findings)


def test_ranks_with_other_numbers_of_batches_are_found():
    loaders = [DataLoader(DATA, batch_size=1, sampler=Strided(DATA, rank)) for rank in range(4)]
    found = only(shapewidget.check_loader(loaders))
    assert (found.code, found.expected, found.got) == ("SW744", 26, 25)


def test_ranks_are_divided_without_processes():
    report = shapewidget.check_loader(DataLoader(DATA, batch_size=8, shuffle=True), ranks=4)
    note = next(finding for finding in report.findings if finding.code == "SW745")
    assert report.ok
    assert "26 each" in note.reason
    assert "set_epoch" in note.reason


def test_ranks_of_a_stream_are_refused():
    with pytest.raises(InputError, match="has to split itself"):
        shapewidget.check_loader(DataLoader(Stream(True), batch_size=4), ranks=4)
    with pytest.raises(InputError, match="has none"):
        shapewidget.check_loader([torch.zeros(3, 4)], ranks=4)


@pytest.mark.parametrize(
    ("tells", "shuffle", "expected"), [(False, True, ["SW746"]), (True, True, []), (False, False, [])]
)
def test_epochs_in_one_order_are_found_in_a_captured_loop(tells, shuffle, expected):
    sampler = DistributedSampler(DATA, 2, 0, shuffle=shuffle)
    loader = DataLoader(DATA, batch_size=32, sampler=sampler)
    with shapewidget.capture() as report:
        for epoch in range(3):
            if tells:
                sampler.set_epoch(epoch)
            for rows, _ in loader:
                rows.sum()
    assert codes(report) == expected
    assert all(finding.verified for finding in report.findings)
