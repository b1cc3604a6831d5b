"""Samples that a collate function puts along the second axis, and a model that takes the first for them."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

import shapewidget

WINDOWS = [(torch.randn(5, 4), torch.tensor(place % 3)) for place in range(23)]
WORDS = [(torch.randint(1, 9, (length,)), torch.randint(0, 3, (length,))) for length in (3, 5, 2, 7, 4, 6, 2, 8)]
LISTS = [
    {"words": words.tolist() + [0] * (9 - len(words)), "star": place % 3} for place, (words, _) in enumerate(WORDS)
]


class Classifier(nn.Module):
    def __init__(self, batch_first=True):
        super().__init__()
        self.rnn, self.head = nn.GRU(4, 8, batch_first=batch_first), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.rnn(x)[1][-1])


class Tagger(nn.Module):
    def __init__(self, batch_first=True):
        super().__init__()
        self.words, self.head = nn.Embedding(9, 6), nn.Linear(8, 3)
        self.rnn = nn.GRU(6, 8, batch_first=batch_first)

    def forward(self, words):
        return self.head(self.rnn(self.words(words))[0]).transpose(1, 2)


class TurnsItsInputs(Tagger):
    def forward(self, words):
        return super().forward(words.t()).permute(2, 1, 0)


class Reader(Tagger):
    def forward(self, words):
        return self.head(self.rnn(self.words(words))[1][-1])


def stacked(samples):
    rows, labels = zip(*samples, strict=True)
    return torch.stack(rows, 1), torch.stack(labels)


def padded(samples):
    words = pad_sequence([words for words, _ in samples])
    tags = pad_sequence([tags for _, tags in samples], padding_value=-100)
    return words, tags


def columns(samples):
    batch = torch.utils.data.default_collate(samples)
    return torch.stack(batch["words"]), batch["star"]


def serious(report):
    return [finding for finding in report.findings if finding.severity != "note"]


FIRST = {
    "stack": (WINDOWS, stacked, Classifier, "torch.stack(rows, 0)"),
    "pad": (WORDS, padded, Tagger, "batch_first=True"),
    "columns": (LISTS, columns, Reader, 'torch.stack(batch["words"], dim=1)'),
}


@pytest.mark.parametrize("name", FIRST)
@pytest.mark.parametrize("check", ["check_loader", "probe"])
def test_samples_on_the_second_axis_are_told_with_the_line_that_puts_them_there(name, check):
    data, collate, model, fix = FIRST[name]
    loader = DataLoader(data, batch_size=4, collate_fn=collate)
    if check == "probe":
        report = shapewidget.probe(model(), loss=nn.CrossEntropyLoss(), loader=loader)
    else:
        report = shapewidget.check_loader(loader, model=model(), loss=nn.CrossEntropyLoss())
    (found,) = serious(report)
    assert (found.code, found.layer, found.expected, found.verified) == ("SW737", collate.__name__, 4, True)
    assert fix in found.fix
    assert found.patch is not None


@pytest.mark.parametrize(
    ("data", "collate", "model"),
    [(WINDOWS, stacked, Classifier), (WORDS, padded, Tagger)],
)
def test_models_that_take_time_in_front_are_clean(data, collate, model):
    loader = DataLoader(data, batch_size=4, collate_fn=collate)
    report = shapewidget.check_loader(loader, model=model(batch_first=False), loss=nn.CrossEntropyLoss())
    assert serious(report) == []


def test_model_that_turns_its_inputs_itself_is_clean():
    loader = DataLoader(WORDS, batch_size=4, collate_fn=padded)
    report = shapewidget.check_loader(loader, model=TurnsItsInputs(), loss=nn.CrossEntropyLoss())
    assert "SW737" not in [finding.code for finding in report.findings]


def test_rows_that_hold_as_many_features_as_there_are_samples_are_clean():
    data = [(torch.randn(place % 3 + 1, 4), torch.randn(place % 3 + 1, 2)) for place in range(8)]

    def joined(samples):
        return tuple(torch.cat(each) for each in zip(*samples, strict=True))

    report = shapewidget.check_loader(
        DataLoader(data, batch_size=4, collate_fn=joined), model=nn.Linear(4, 2), loss=nn.MSELoss()
    )
    assert serious(report) == []
