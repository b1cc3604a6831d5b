"""Padding that a recurrent layer reads as data, in PyTorch, and what is right about padding."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

import shapewidget

IDS = pad_sequence([torch.arange(1, length + 1) for length in (9, 3, 5, 7)], batch_first=True)


def as_read(model, words):
    return model.rnn(words)[1][-1]


def packed(model, words):
    lengths = (IDS != 0).sum(1)
    return model.rnn(pack_padded_sequence(words, lengths, batch_first=True, enforce_sorted=False))[1][-1]


def averaged(model, words):
    return model.rnn(words)[0].mean(1)


class Words(nn.Module):
    def __init__(self, last):
        super().__init__()
        self.words = nn.Embedding(20, 8, padding_idx=0)
        self.rnn = nn.GRU(8, 6, batch_first=True)
        self.head = nn.Linear(6, 2)
        self.last = last

    def forward(self, ids):
        return self.head(self.last(self, self.words(ids)))


def codes(report):
    return [finding.code for finding in report.findings if finding.severity != "note"]


def test_last_state_behind_padding_is_found():
    (found,) = shapewidget.probe(Words(as_read), IDS).findings
    assert (found.code, found.layer, found.expected) == ("SW606", "rnn", "3 steps")
    assert "the 3 steps of the shortest stand 6 zeros" in found.reason
    assert "pack_padded_sequence" in found.fix


@pytest.mark.parametrize(("last", "ids"), [(averaged, IDS), (as_read, IDS.clamp(min=1)), (as_read, IDS.flip(1))])
def test_padding_that_no_last_state_reads_is_clean(last, ids):
    assert codes(shapewidget.probe(Words(last), ids)) == []


def test_mask_made_of_the_ids_is_clean():
    class Masked(Words):
        def forward(self, ids):
            steps, _ = self.rnn(self.words(ids))
            last = (ids != 0).sum(1) - 1
            return self.head(steps[torch.arange(len(ids)), last])

    assert codes(shapewidget.probe(Masked(as_read), IDS)) == []


def test_parts_of_a_module_dict_are_called_by_their_names():
    parts = nn.ModuleDict({"small": nn.LSTM(4, 8), "large": nn.LSTM(4, 16, bidirectional=True)})
    report = shapewidget.probe(parts, {"small": torch.randn(5, 3, 4), "large": torch.randn(7, 3, 4)})
    assert codes(report) == []
    assert {layer.path: layer.outputs[0].shape for layer in report.graph.layers if layer.type == "LSTM"} == {
        "small": (5, 3, 8),
        "large": (7, 3, 32),
    }


def test_lengths_that_nothing_reads_are_packed_where_only_the_state_is_used():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.rnn, self.head = nn.Embedding(30, 6), nn.GRU(6, 8, batch_first=True), nn.Linear(8, 3)

        def forward(self, ids, lengths):
            _, state = self.rnn(self.words(ids))
            return self.head(state[-1])

    inputs = (torch.randint(1, 30, (5, 7)), torch.tensor([7, 3, 4, 7, 2]))
    found = shapewidget.probe(Reader(), inputs).findings[0]
    assert (found.code, found.verified) == ("SW606", True)
    assert "pack_padded_sequence(self.words(ids), lengths.cpu(), batch_first=True" in found.fix


class Told(nn.Module):
    """Reads sequences, and is told something of each of them."""

    def __init__(self, last):
        super().__init__()
        self.rnn, self.head, self.last = nn.GRU(5, 8, batch_first=True), nn.Linear(8, 3), last

    def forward(self, x, n):
        return self.head(self.last(self.rnn(x), n))


def state(read, n):
    return read[1][-1]


def mean(read, n):
    return read[0].mean(1)


def masked_mean(read, n):
    shown = (torch.arange(read[0].size(1)) < n[:, None]).unsqueeze(-1)
    return (read[0] * shown).sum(1) / n[:, None]


X = torch.randn(5, 7, 5)
LENGTHS = {
    "the longest is the array": torch.tensor([7, 3, 4, 7, 2]),
    "sorted": torch.tensor([6, 5, 5, 3, 2]),
}


@pytest.mark.parametrize("numbers", LENGTHS)
@pytest.mark.parametrize(("last", "code"), [(state, "SW606"), (mean, "SW665")])
def test_numbers_are_known_for_lengths_by_their_values(last, code, numbers):
    (said,) = shapewidget.probe(Told(last), (X, LENGTHS[numbers])).findings
    assert (said.code, "`n` (B,) = (5,) says" in said.reason) == (code, True)


@pytest.mark.parametrize("numbers", [torch.tensor([0, 3, 1, 7, 2]), torch.tensor([12, 4, 4, 4, 9]), torch.rand(5)])
@pytest.mark.parametrize("last", [state, mean])
def test_numbers_that_cannot_be_lengths_are_not_taken_for_them(last, numbers):
    assert codes(shapewidget.probe(Told(last), (X, numbers))) == []


def test_lengths_that_mask_the_mean_are_clean():
    assert codes(shapewidget.probe(Told(masked_mean), (X, LENGTHS["sorted"]))) == []


def test_mask_that_nothing_reads_is_told_where_the_mean_counts_the_padding():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.head = nn.Embedding(30, 6), nn.Linear(6, 3)

        def forward(self, ids, keep):
            words = self.words(ids)
            return self.head(words.mean(dim=1))

    keep = (torch.arange(7) < torch.tensor([[7], [3], [4], [6], [2]])).float()
    (said,) = shapewidget.probe(Reader(), (torch.randint(1, 30, (5, 7)), keep)).findings
    assert (said.code, said.verified) == ("SW665", True)
    assert "(words * keep.unsqueeze(-1)).sum(1) / keep.sum(1, keepdim=True)" in said.fix
