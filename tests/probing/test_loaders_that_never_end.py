"""Loaders that block, never end, or do not say how long they are; batches that are batched twice or never."""

import queue
import signal
import threading

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import shapewidget

ROWS, LABELS = torch.randn(40, 4), torch.randint(0, 3, (40,))


def only(report):
    (found,) = [finding for finding in report.findings if finding.severity != "note"]
    return found


def blocked():
    yield ROWS[:4]
    queue.Queue().get()


def test_loader_that_blocks_is_told_with_what_was_seen():
    before = signal.getsignal(signal.SIGINT)
    report = shapewidget.check_loader(blocked(), patience=0.3)
    found = only(report)
    assert (found.code, found.where) == ("SW718", "loader")
    assert "waits for batch 1 without end" in found.reason
    assert [batch.size for batch in report.batches] == [4]
    assert signal.getsignal(signal.SIGINT) is before


def test_interrupt_of_the_user_is_not_taken_for_a_loader_that_blocks():
    def interrupted():
        yield ROWS[:4]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shapewidget.check_loader(interrupted())


def test_loader_is_read_in_a_thread_too():
    reports = []
    thread = threading.Thread(target=lambda: reports.append(shapewidget.check_loader([ROWS[:4]])))
    thread.start()
    thread.join()
    assert [batch.size for batch in reports[0].batches] == [4]


class Long(IterableDataset):
    """Says that it has eight samples, and gives all rows as often as it is asked to."""

    def __init__(self, times):
        self.times = times

    def __len__(self):
        return 8

    def __iter__(self):
        return (row for _ in range(self.times) for row in ROWS)


@pytest.mark.filterwarnings("ignore:Length of IterableDataset")
@pytest.mark.parametrize(("times", "batches"), [(1, 10), (10**9, 102)])
def test_loader_that_is_longer_than_it_says_is_noted(times, batches):
    report = shapewidget.check_loader(DataLoader(Long(times), batch_size=4))
    assert report.ok
    assert len(report.batches) == batches
    assert [(note.code, note.expected, note.got) for note in report.findings] == [("SW719", 2, batches)]


# -- the number of axes -----------------------------------------------------------------------------------------------


class Batched(Dataset):
    def __len__(self):
        return 10

    def __getitem__(self, index):
        return ROWS[index * 4 : index * 4 + 4], LABELS[index * 4 : index * 4 + 4]


CLASSIFIER, LOSS = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), nn.CrossEntropyLoss()
IMAGES = TensorDataset(torch.randn(6, 3, 8, 8), LABELS[:6])


def convolution():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


def test_batches_that_are_batched_again_are_found():
    found = only(shapewidget.check_loader(DataLoader(Batched(), batch_size=2), model=CLASSIFIER, loss=LOSS))
    assert (found.code, found.where, found.expected, found.got, found.verified) == ("SW708", "loader", 2, 3, True)
    assert "2 batches of 4 samples" in found.reason


def test_samples_that_were_never_batched_are_found():
    found = only(shapewidget.check_loader(DataLoader(IMAGES, batch_size=None), model=convolution(), loss=LOSS))
    assert (found.code, found.expected, found.got, found.verified) == ("SW709", 4, 3, True)
    assert "(1, 3, 8, 8)" in found.reason


@pytest.mark.parametrize(
    ("loader", "model"),
    [(DataLoader(Batched(), batch_size=None), CLASSIFIER), (DataLoader(IMAGES, batch_size=2), convolution())],
)
def test_batches_with_the_axes_that_the_model_takes_are_clean(loader, model):
    assert shapewidget.check_loader(loader, model=model, loss=LOSS).ok


def test_model_that_refuses_every_form_is_not_blamed_on_the_loader():
    report = shapewidget.check_loader(DataLoader(Batched(), batch_size=None), model=nn.Linear(5, 3), loss=LOSS)
    assert only(report).code == "SW101"
