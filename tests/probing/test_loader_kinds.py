"""Every kind of loader gives the same report of the same batches, whatever they are nested in."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, DistributedSampler, IterableDataset, Sampler

import shapewidget

ROWS, SIZE = 23, 8


def sample(place):
    return {"ids": torch.full((5,), place), "extra": [torch.zeros(2), (torch.ones(3),)]}, place % 3


def batch_of(places):
    return torch.utils.data.default_collate([sample(place) for place in places])


def batches():
    for start in range(0, ROWS, SIZE):
        yield batch_of(range(start, min(start + SIZE, ROWS)))


class Samples(Dataset):
    def __len__(self):
        return ROWS

    def __getitem__(self, index):
        return sample(index)


class Stream(IterableDataset):
    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        first, step = (info.id, info.num_workers) if info is not None else (0, 1)
        return (sample(place) for place in range(first, ROWS, step))


class Backwards(Sampler):
    def __len__(self):
        return ROWS

    def __iter__(self):
        return iter(range(ROWS - 1, -1, -1))


class Groups:
    def __len__(self):
        return 3

    def __iter__(self):
        return iter([list(range(start, min(start + SIZE, ROWS))) for start in range(0, ROWS, SIZE)])


class ByNumber:
    def __len__(self):
        return 3

    def __getitem__(self, number):
        return batch_of(range(number * SIZE, min(number * SIZE + SIZE, ROWS)))


class Iterated:
    def __iter__(self):
        return batches()


KINDS = {
    "map-style": lambda: DataLoader(Samples(), SIZE),
    "shuffled": lambda: DataLoader(Samples(), SIZE, shuffle=True),
    "own sampler": lambda: DataLoader(Samples(), SIZE, sampler=Backwards()),
    "own batch sampler": lambda: DataLoader(Samples(), batch_sampler=Groups()),
    "own collate function": lambda: DataLoader(Samples(), SIZE, collate_fn=torch.utils.data.default_collate),
    "workers": lambda: DataLoader(Samples(), SIZE, num_workers=2),
    "iterable": lambda: DataLoader(Stream(), SIZE),
    "one rank": lambda: DataLoader(Samples(), SIZE, sampler=DistributedSampler(Samples(), 1, 0)),
    "list": lambda: list(batches()),
    "generator": batches,
    "by number": ByNumber,
    "iterated": Iterated,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_loader_is_read_with_nested_batches(kind):
    report = shapewidget.check_loader(KINDS[kind]())
    assert [batch.size for batch in report.batches] == [8, 8, 7]
    assert report.ok
    shapes = {(part.name, part.is_target): part.spec.shape[1:] for part in report.batches[0].parts}
    assert shapes == {
        ("['ids']", False): (5,), ("['extra'][0]", False): (2,), ("['extra'][1][0]", False): (3,), ("", True): ()
    }  # fmt: skip


def test_batches_of_an_iterable_are_shared_by_workers():
    report = shapewidget.check_loader(DataLoader(Stream(), SIZE, num_workers=2))
    assert report.ok
    assert sum(batch.size for batch in report.batches) == ROWS


def test_tuple_of_inputs_that_default_collate_makes_a_list_of_is_several_arguments():
    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(8, 2)

        def forward(self, one, other):
            return self.head(torch.cat([one, other], 1))

    data = [((torch.randn(4), torch.randn(4)), place % 2) for place in range(10)]
    loader = DataLoader(data, batch_size=5)
    assert shapewidget.check_loader(loader, model=Pair(), loss=nn.CrossEntropyLoss()).ok
    assert shapewidget.probe(Pair(), loader=loader, loss=nn.CrossEntropyLoss()).ok
