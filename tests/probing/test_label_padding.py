"""Labels that a collate function fills up to one length, and losses that count them or leave them out."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

import shapewidget

LENGTHS = (3, 9, 5, 4, 7, 2, 8, 6)
WORDS = [torch.arange(length) % 5 + 1 for length in LENGTHS]


class Tagger(nn.Module):
    def __init__(self, form):
        super().__init__()
        self.embedding, self.head, self.form = nn.Embedding(7, 8), nn.Linear(8, 7), form

    def forward(self, words):
        return self.form(self.head(self.embedding(words)))


def classes_second(scores):
    return scores.transpose(1, 2)


def as_they_are(scores):
    return scores


def tags(value):
    def collate(samples):
        words, labels = zip(*samples, strict=True)
        return pad_sequence(words, True), pad_sequence(labels, True, value)

    return DataLoader([(words, words % 4 + 1) for words in WORDS], batch_size=4, collate_fn=collate)


def next_words(samples):
    words = pad_sequence(samples, True)
    return words[:, :-1], words[:, 1:]


def flat(scores, labels, **options):
    return F.cross_entropy(scores.reshape(-1, 7), labels.reshape(-1), **options)


def masked(scores, labels):
    losses = F.cross_entropy(scores.transpose(1, 2), labels, reduction="none")
    return (losses * (labels > 0)).sum() / (labels > 0).sum()


def ignoring(scores, labels):
    return flat(scores, labels, ignore_index=0)


def told(loader, form, loss):
    report = shapewidget.check_loader(loader, model=Tagger(form), loss=loss)
    return [each for each in report.findings if each.code == "SW734"]


@pytest.mark.parametrize(
    ("loader", "form", "loss", "own"),
    [
        (tags(0), classes_second, nn.CrossEntropyLoss(), 21),
        (tags(0), as_they_are, flat, 21),
        (DataLoader(WORDS, batch_size=4, collate_fn=next_words), as_they_are, flat, 17),
    ],
    ids=["tags", "a loss of flat rows", "the next word"],
)
def test_padding_that_a_loss_counts_as_a_class_is_told(loader, form, loss, own):
    (found,) = told(loader, form, loss)
    steps = 36 if own == 21 else 32
    assert (found.where, found.expected, found.got) == ("loss", own, steps)
    assert "as class 0" in found.reason
    assert found.verified == isinstance(loss, nn.Module)


@pytest.mark.parametrize(
    ("value", "form", "loss"),
    [
        (-100, classes_second, nn.CrossEntropyLoss()),
        (0, classes_second, nn.CrossEntropyLoss(ignore_index=0)),
        (0, classes_second, nn.CrossEntropyLoss(weight=torch.tensor([0.0, 1, 1, 1, 1, 1, 1]))),
        (0, as_they_are, masked),
        (0, as_they_are, ignoring),
    ],
    ids=["another value", "ignore_index", "no weight", "a mask", "ignore_index of a function"],
)
def test_padding_that_a_loss_leaves_out_raises_no_alarm(value, form, loss):
    assert told(tags(value), form, loss) == []


def test_labels_of_one_length_are_no_padding():
    data = [(torch.arange(6) % 5 + 1, torch.tensor([1, 2, 0, 0, 0, 0])) for _ in range(8)]
    assert told(DataLoader(data, batch_size=4), classes_second, nn.CrossEntropyLoss()) == []


def with_class_zero(value):
    """Labels among which the value that fills them up is a class too."""

    def collate(samples):
        words, labels = zip(*samples, strict=True)
        return pad_sequence(words, True), pad_sequence(labels, True, value)

    return DataLoader([(words, words % 3) for words in WORDS], batch_size=4, collate_fn=collate)


def test_padding_that_is_a_class_too_is_filled_up_with_what_the_loss_leaves_out():
    (found,) = told(with_class_zero(0), classes_second, nn.CrossEntropyLoss())
    assert found.fix == "fill the labels up with -100, which nn.CrossEntropyLoss leaves out: padding_value=-100"
    assert (found.where, found.layer, found.verified) == ("loader", "collate", True)


def test_padding_that_is_a_class_too_is_filled_up_for_a_loss_that_is_a_function_too():
    (found,) = told(with_class_zero(0), classes_second, lambda outputs, targets: F.cross_entropy(outputs, targets))
    assert (found.where, found.verified) == ("loader", True)
    assert found.fix.startswith("fill the labels up with -100")
    assert found.verified
    assert told(with_class_zero(-100), classes_second, nn.CrossEntropyLoss()) == []


def test_loss_that_leaves_as_many_places_out_counts_no_padding_though_they_are_others():
    def turned(scores):
        return scores.transpose(0, 1).contiguous()

    assert told(tags(-1), turned, lambda scores, labels: flat(scores, labels, ignore_index=-1)) == []
