"""What workers and ranks read of a data set, and what of it twice or never."""

from __future__ import annotations

import pytest
import tensorflow as tf
import torch
from loader_reports import DATA, LABELS, ROWS, codes, only
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    Subset,
    TensorDataset,
    get_worker_info,
)

import shapewidget
from shapewidget.errors import InputError


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
    assert all(finding.verified for finding in report.findings if finding.code == "SW731")
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


def in_order(data, _):
    return SequentialSampler(data)


def drawn(seeds):
    orders = [torch.randperm(103, generator=torch.Generator().manual_seed(seed)).tolist() for seed in seeds]
    return [Subset(DATA, order[rank::4]) for rank, order in enumerate(orders)]


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
    "one rank four times": (split_by(lambda data, _: shuffled(data, 0)), ("SW743", 103, 26)),
    "other seeds": (split_by(lambda data, rank: shuffled(data, rank, seed=rank)), ("SW743", 103, 69)),
    "filled up for evaluation": (split_by(lambda d, r: shuffled(d, r, shuffle=False)), ("SW743", 103, 104)),
    "eight replicas": (split_by(lambda data, rank: DistributedSampler(data, 8, rank)), ("SW742", 103, 52)),
    "parts rounded down": (
        split_by(in_order, [Subset(DATA, range(25 * r, 25 * r + 25)) for r in range(4)]),
        ("SW742", 103, 100),
    ),
    "four fifths in parts": (split_by(in_order, [Subset(DATA, range(20 * r, 20 * r + 20)) for r in range(4)]), None),
    "parts drawn apart": (split_by(in_order, drawn(range(4))), ("SW743", 103, 69)),
    "parts of one draw": (split_by(in_order, drawn([0] * 4)), None),
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


def test_sampler_of_fewer_ranks_than_there_are_is_found():
    found = only(
        shapewidget.check_loader(DataLoader(DATA, batch_size=8, sampler=DistributedSampler(DATA, 2, 0)), ranks=4)
    )
    assert (found.code, found.expected, found.got, found.verified) == ("SW743", 26, 52, True)
    assert "its num_replicas is 2, with 4 ranks" in found.reason


@pytest.mark.parametrize("sampler", [RandomSampler, SequentialSampler])
def test_order_of_a_batch_sampler_is_that_of_the_sampler_in_it(sampler):
    batches = BatchSampler(sampler(DATA), 8, drop_last=False)
    report = shapewidget.check_loader(DataLoader(DATA, batch_sampler=batches), ranks=4)
    assert codes(report) == ([] if sampler is RandomSampler else ["SW743"])


class Buckets(Sampler):
    """Batches of its own, which training on several ranks leaves as they are."""

    def __init__(self, rank=0, num_replicas=1):
        self.rank, self.num_replicas = rank, num_replicas

    def __iter__(self):
        return (list(range(first, 103, 13)) for first in range(self.rank, 13, self.num_replicas))

    def __len__(self):
        return len(range(self.rank, 13, self.num_replicas))


def test_batches_of_a_sampler_that_knows_no_ranks_are_read_by_all():
    plain = type("Plain", (Sampler,), {"__iter__": lambda _: iter(Buckets()), "__len__": lambda _: 13})()
    found = only(shapewidget.check_loader(DataLoader(DATA, batch_sampler=plain), ranks=4))
    assert (found.code, found.got) == ("SW743", 103)
    assert "no sampler divides" in found.reason


def test_batches_of_a_sampler_that_knows_its_rank_are_divided():
    report = shapewidget.check_loader(DataLoader(DATA, batch_sampler=Buckets(0, 13)), ranks=13)
    assert codes(report) == []


class Part(IterableDataset):
    """A stream of which every rank takes its turns, or all."""

    def __init__(self, rank, ranks, rows=ROWS[:40]):
        self.rank, self.ranks, self.rows = rank, ranks, rows

    def __iter__(self):
        return iter(self.rows[self.rank :: self.ranks])


def streams(ranks, each=4, rows=ROWS[:40]):
    return [DataLoader(Part(rank if each > 1 else 0, each, rows), batch_size=4) for rank in range(ranks)]


def datasets(ranks, is_split):
    data = tf.data.Dataset.from_tensor_slices((ROWS[:40].numpy(), LABELS[:40].numpy()))
    return [(data.shard(ranks, rank) if is_split else data).batch(4) for rank in range(ranks)]


@pytest.mark.parametrize(
    ("loaders", "fix"),
    [
        (streams(4), None),
        (streams(4, each=1), "itertools.islice(data, rank, None, world_size) in __iter__"),
        (streams(4, each=1, rows=torch.zeros(40, 2)), None),
        (datasets(4, is_split=True), None),
        (datasets(4, is_split=False), ".shard(4, rank)"),
    ],
)
def test_streams_that_every_rank_reads_are_found(loaders, fix):
    report = shapewidget.check_loader(loaders)
    assert any(finding.code == "SW745" for finding in report.findings)
    if fix is None:
        assert codes(report) == []
    else:
        found = only(report)
        assert (found.code, found.expected, found.got, found.verified) == ("SW743", 10, 40, True)
        assert fix in found.fix


def test_streams_of_unequal_length_leave_ranks_waiting():
    found = only(shapewidget.check_loader(streams(3, each=3, rows=ROWS[:37])))
    assert (found.code, found.expected, found.got) == ("SW744", 4, 3)
    assert "itertools.islice(loader, 3)" in found.fix


def test_note_says_how_many_samples_a_step_takes():
    report = shapewidget.check_loader(DataLoader(DATA, batch_size=8, shuffle=True), ranks=4)
    assert "A step takes 4 x 8 = 32 samples." in report.findings[0].reason


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
