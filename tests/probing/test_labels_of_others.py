"""Labels that are as many as the samples of a batch, and that belong to others."""

import random

import numpy as np
import pytest
import torch
from loader_reports import codes, only
from torch import nn
from torch.nn.utils.rnn import pack_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

import shapewidget


@pytest.fixture(autouse=True)
def _seeded():
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


class Sentences(Dataset):
    """Words of several lengths, no two alike, with one of so many classes for each."""

    def __init__(self, classes=3, rows=40):
        draw = torch.Generator().manual_seed(0)
        lengths = torch.randint(2, 9, (rows,), generator=draw).tolist()
        self.words = [torch.randint(1, 500, (length,), generator=draw) for length in lengths]
        self.labels = torch.randint(0, classes, (rows,), generator=draw).tolist()

    def __len__(self):
        return len(self.words)

    def __getitem__(self, index):
        return self.words[index], self.labels[index]


def columns(samples):
    words, labels = zip(*samples, strict=True)
    return pad_sequence(words, batch_first=True), torch.tensor(labels)


def inputs_sorted(samples):
    words, labels = zip(*samples, strict=True)
    return pad_sequence(sorted(words, key=len, reverse=True), batch_first=True), torch.tensor(labels)


def packed_sorted(samples):
    words, labels = zip(*samples, strict=True)
    return pack_sequence(sorted(words, key=len, reverse=True)), torch.tensor(labels)


def sorted_but_labels(samples):
    words, labels = columns(samples)
    lengths = torch.tensor([len(each) for each, _ in samples])
    lengths, order = lengths.sort(descending=True)
    return words[order], labels, lengths


def inputs_permuted(samples):
    words, labels = columns(samples)
    return words[torch.randperm(len(words))], labels


def labels_shuffled(samples):
    words, labels = zip(*samples, strict=True)
    labels = random.sample(labels, len(labels))
    return pad_sequence(words, batch_first=True), torch.tensor(labels)


@pytest.mark.parametrize("collate", [inputs_sorted, packed_sorted, sorted_but_labels, inputs_permuted, labels_shuffled])
def test_collate_function_that_moves_inputs_apart_from_labels_is_found(collate):
    loader = DataLoader(Sentences(), batch_size=8, collate_fn=collate, shuffle=True)
    found = only(shapewidget.check_loader(loader))
    assert (found.code, found.layer) == ("SW725", collate.__name__)
    assert "of 8 samples come out with the label of another one" in found.reason


def both_sorted(samples):
    return columns(sorted(samples, key=lambda sample: len(sample[0]), reverse=True))


def packed(samples):
    words, labels = zip(*samples, strict=True)
    return pack_sequence(words, enforce_sorted=False), torch.tensor(labels)


def both_permuted(samples):
    words, labels = columns(samples)
    order = torch.randperm(len(words))
    return words[order], labels[order]


def places(samples):
    words, _ = columns(samples)
    return words, torch.arange(len(words))


def mixed(samples):
    words, labels = columns(samples)
    order = torch.randperm(len(words))
    return 0.7 * words + 0.3 * words[order], labels, labels[order]


def with_the_next(samples):
    words, labels = columns(samples)
    return words, words.roll(1, 0), labels


def some_replaced(samples):
    words, _ = columns(samples)
    odd, partner = torch.randperm(len(words))[: len(words) // 2], words.clone()
    partner[odd] = words[odd.roll(1)]
    is_pair = torch.ones(len(words))
    is_pair[odd] = 0
    return words, partner, is_pair


def some_left_out(samples):
    return columns([sample for sample in samples if len(sample[0]) > 2])


def time_first(samples):
    words, labels = zip(*samples, strict=True)
    return pad_sequence(words), torch.tensor(labels)


RIGHT = [
    columns, both_sorted, packed, both_permuted, places, mixed, with_the_next, some_replaced, some_left_out, time_first,
]  # fmt: skip


@pytest.mark.parametrize("collate", RIGHT)
def test_collate_function_that_keeps_labels_with_their_samples_is_clean(collate):
    loader = DataLoader(Sentences(), batch_size=8, collate_fn=collate, shuffle=True)
    assert codes(shapewidget.check_loader(loader)) == []


def test_collate_function_that_parts_labels_is_found_in_a_captured_loop():
    loader, model = DataLoader(Sentences(), batch_size=8, collate_fn=inputs_sorted), nn.Embedding(500, 3)
    with shapewidget.capture() as report:
        for words, labels in loader:
            nn.functional.cross_entropy(model(words).mean(1), labels).backward()
    assert (only(report).code, only(report).layer) == ("SW725", "inputs_sorted")


def numbered_anew(samples):
    words, labels = columns(samples)
    return words, torch.unique(labels, return_inverse=True)[1]


def numbered_once(samples):
    words, labels = columns(samples)
    return words, torch.tensor([sorted(range(12)).index(label) for label in labels])


@pytest.mark.parametrize(("collate", "classes", "expected"), [
    (numbered_anew, 12, ["SW726"]),
    (numbered_once, 12, []),
    (numbered_anew, 2, []),
])  # fmt: skip
def test_classes_that_every_batch_numbers_by_itself_are_found(collate, classes, expected):
    report = shapewidget.check_loader(DataLoader(Sentences(classes), batch_size=8, collate_fn=collate))
    assert codes(report) == expected


def test_classes_of_episodes_are_numbered_anew_on_purpose():
    class Episodes:
        def __iter__(self):
            return (random.sample(range(40), 8) for _ in range(5))

        def __len__(self):
            return 5

    report = shapewidget.check_loader(DataLoader(Sentences(12), batch_sampler=Episodes(), collate_fn=numbered_anew))
    assert codes(report) == []


class Boxes(Dataset):
    """Pictures with some boxes each, and with none in some."""

    def __init__(self, counts=(0, 2, 0, 1, 3, 0, 1, 2)):
        self.counts = counts

    def __len__(self):
        return len(self.counts)

    def __getitem__(self, index):
        boxes = torch.rand(self.counts[index], 6, generator=torch.Generator().manual_seed(index))
        return torch.full((3, 8, 8), float(index)), boxes


def counted_behind(samples):
    pictures, boxes = zip(*samples, strict=True)
    boxes = [each for each in boxes if len(each)]
    for place, each in enumerate(boxes):
        each[:, 0] = place
    return torch.stack(pictures), torch.cat(boxes)


def counted_before(samples):
    pictures, boxes = zip(*samples, strict=True)
    for place, each in enumerate(boxes):
        each[:, 0] = place
    return torch.stack(pictures), torch.cat(boxes)


def test_rows_that_are_numbered_without_the_empty_samples_are_found():
    found = only(shapewidget.check_loader(DataLoader(Boxes(), 4, collate_fn=counted_behind)))
    assert (found.code, found.expected, found.got) == ("SW727", 3, 1)
    assert codes(shapewidget.check_loader(DataLoader(Boxes(), 4, collate_fn=counted_before))) == []
    assert codes(shapewidget.check_loader(DataLoader(Boxes((2, 1) * 4), 4, collate_fn=counted_behind))) == []


class Shuffled(Dataset):
    """Rows in another order than they are held in."""

    def __init__(self, labels_too, behind=0):
        self.x, self.y, self.behind = torch.randn(60, 4), torch.randint(0, 3, (60,)), behind
        self.order = torch.randperm(60) if not behind else torch.arange(60)
        self.labels_too = labels_too

    def __len__(self):
        return 60 - self.behind

    def __getitem__(self, index):
        place = self.order[index]
        return self.x[place], self.y[(place if self.labels_too else index) + self.behind]


@pytest.mark.parametrize(("dataset", "expected"), [
    (Shuffled(labels_too=False), ["SW725"]), (Shuffled(labels_too=True), []), (Shuffled(True, behind=2), [])
])  # fmt: skip
def test_data_set_that_reads_labels_at_other_places_is_found(dataset, expected):
    assert codes(shapewidget.check_loader(DataLoader(dataset, batch_size=8))) == expected


X, Y = np.random.default_rng(0).normal(size=(50, 4)), np.random.default_rng(1).integers(0, 3, 50)


def drawn(x, y, together):
    while True:
        order = np.random.permutation(len(x))
        others = order if together else np.random.permutation(len(x))
        for start in range(0, 48, 8):
            yield x[order[start : start + 8]], y[others[start : start + 8]]


def shuffled_in_place(x, y, together):
    state = np.random.get_state()
    np.random.shuffle(x)
    if together:
        np.random.set_state(state)
    np.random.shuffle(y)
    for start in range(0, 50, 10):
        yield x[start : start + 10], y[start : start + 10]


@pytest.mark.parametrize("batches", [drawn, shuffled_in_place])
def test_generator_that_shuffles_inputs_and_labels_by_themselves_is_found_and_moves_no_array(batches):
    x, y = X.copy(), Y.copy()
    assert codes(shapewidget.check_loader(batches(x, y, together=False), limit=10)) == ["SW725"]
    assert codes(shapewidget.check_loader(batches(x, y, together=True), limit=10)) == []
    assert np.array_equal(x, X)
    assert np.array_equal(y, Y)


class Batches:
    """Batches by their number; what happens between epochs is Keras' name for it."""

    def __init__(self, together):
        self.x, self.y, self.together = X, Y, together

    def __len__(self):
        return 5

    def __getitem__(self, number):
        return self.x[10 * number : 10 * number + 10], self.y[10 * number : 10 * number + 10]

    def on_epoch_end(self):
        order = np.random.permutation(50)
        self.x, self.y = self.x[order], self.y[order if self.together else np.random.permutation(50)]


@pytest.mark.parametrize(("together", "expected"), [(False, ["SW725"]), (True, [])])
def test_arrays_that_part_at_the_end_of_an_epoch_are_found(together, expected):
    batches = Batches(together)
    report = shapewidget.check_loader(batches)
    assert codes(report) == expected
    assert batches.x is X


def test_window_with_the_next_value_as_target_is_no_other_order():
    def windows():
        for start in range(0, 40, 8):
            yield X[start : start + 8], Y[start + 1 : start + 9]

    assert codes(shapewidget.check_loader(windows())) == []


class Stacked:
    """Batches of a loader whose samples hold a list of numbers."""

    def __init__(self, axis, features=4):
        data = [{"row": torch.rand(features).tolist(), "label": place % 3} for place in range(12)]
        self.loader, self.axis, self.size = DataLoader(data, batch_size=4), axis, features

    def __iter__(self):
        for batch in self.loader:
            yield torch.stack(batch["row"], dim=self.axis).reshape(4, self.size), batch["label"]


@pytest.mark.parametrize("features", [4, 6])
def test_list_of_features_that_is_stacked_by_columns_is_found(features):
    (found,) = shapewidget.check_loader(Stacked(0, features)).findings
    assert (found.code, found.expected, found.verified) == ("SW735", (4, features), True)
    assert codes(shapewidget.check_loader(Stacked(1, features))) == []


def test_steps_in_front_of_the_samples_are_no_columns():
    def time_first(samples):
        words, labels = zip(*samples, strict=True)
        return torch.stack(words, dim=1), torch.tensor(labels)

    data = [(torch.arange(4) + place, place) for place in range(8)]
    assert "SW735" not in codes(shapewidget.check_loader(DataLoader(data, batch_size=4, collate_fn=time_first)))


def test_collate_function_is_tried_on_copies_of_its_samples_and_not_of_all_that_they_are_a_part_of():
    sizes = set()

    def collate(samples):
        sizes.update(rows.untyped_storage().nbytes() for rows, _ in samples)
        rows, labels = zip(*samples, strict=True)
        return torch.stack(rows), torch.tensor(labels)

    class Parts(Dataset):
        rows = torch.randn(1000, 4)

        def __len__(self):
            return 12

        def __getitem__(self, place):
            return self.rows[place], place % 3

    shapewidget.check_loader(DataLoader(Parts(), batch_size=4, collate_fn=collate))
    assert sizes == {16, 16_000}
