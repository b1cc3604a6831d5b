"""Packed sequences that are unpacked with time in front although they were packed with the batch there."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import shapewidget


class Tagger(nn.Module):
    def __init__(self, packed_first, unpacked_first):
        super().__init__()
        self.embedding, self.lstm = nn.Embedding(20, 8), nn.LSTM(8, 6, batch_first=packed_first)
        self.head, self.first = nn.Linear(6, 5), (packed_first, unpacked_first)

    def forward(self, words, lengths):
        given = self.embedding(words)
        packed = pack_padded_sequence(given, lengths, batch_first=self.first[0], enforce_sorted=False)
        states, _ = self.unpacked(self.lstm(packed)[0])
        return self.head(states)

    def unpacked(self, packed):
        return pad_packed_sequence(packed, batch_first=True) if self.first[1] else pad_packed_sequence(packed)


def flat(scores, tags):
    return F.cross_entropy(scores.reshape(-1, 5), tags.reshape(-1))


def turned(scores, tags):
    return flat(scores.transpose(0, 1), tags)


WORDS, LENGTHS = torch.arange(24).reshape(4, 6) % 19 + 1, torch.tensor([6, 4, 3, 5])


def told(model, loss):
    return [it for it in shapewidget.probe(model, (WORDS, LENGTHS), targets=WORDS % 5, loss=loss).findings if it.fix]


def test_sequence_that_is_unpacked_in_another_layout_is_named_as_the_cause_and_mended():
    first, *_ = told(Tagger(True, False), flat)
    assert (first.code, first.layer, first.verified) == ("SW616", "pad_packed_sequence", True)
    assert "pad_packed_sequence(packed, batch_first=True)" in first.fix


@pytest.mark.parametrize(("unpacked_first", "loss"), [(True, flat), (False, turned)])
def test_layout_that_is_kept_or_turned_on_purpose_is_clean(unpacked_first, loss):
    assert [it.code for it in told(Tagger(True, unpacked_first), loss)] == []
