"""Programs with sequences of two lengths, or with axes that the user named: each has a symbol of its own."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import shapewidget
from shapewidget.probing.sizes import other_sizes


def dims_of(report, id_, output=0):
    return tuple(map(str, report.graph.by_id[id_].outputs[output].dims))


def ids(*shape):
    return torch.randint(0, 50, shape, generator=torch.Generator().manual_seed(0))


class Translator(nn.Module):
    def __init__(self, vocab=50, width=32):
        super().__init__()
        self.source, self.target = nn.Embedding(vocab, width), nn.Embedding(vocab, width)
        self.body = nn.Transformer(width, 4, 1, 1, 64, batch_first=True)
        self.head = nn.Linear(width, vocab)

    def forward(self, source, target):
        scores = self.source(source) @ self.target(target).mT
        return self.head(self.body(self.source(source), self.target(target))), scores


@pytest.mark.parametrize("value", range(1, 40))
@pytest.mark.parametrize("length", [1, 5, 9, 12, 100])
def test_second_lengths_differ_independently_of_batch_and_length(value, length):
    for batch in range(1, 40):
        axes = {"B": batch, "T": length, "T2": value, "N": value + 1}
        one, two = other_sizes(axes, {})
        apart = [(one[name] - axes[name], two[name] - axes[name]) for name in axes]
        assert all(a[0] * b[1] != a[1] * b[0] for a, b in itertools.combinations(apart, 2)), axes
        assert min(*one.values(), *two.values()) > 0


def test_source_and_target_length_are_symbols():
    report = shapewidget.probe(Translator(), (ids(4, 10), ids(4, 7)))
    assert dims_of(report, "body.encoder") == ("B", "T", "width")
    assert dims_of(report, "head") == ("B", "T2", "vocab")
    assert dims_of(report, "matmul") == ("B", "T", "T2")
    assert report.graph.sizes["T2"] == 7
    assert report.meanings["T2"] == "second sequence length"


def test_labels_of_both_axes_merged_follow_the_second_length():
    def loss(outputs, targets):
        return nn.functional.cross_entropy(outputs[0].flatten(0, 1), targets)

    report = shapewidget.probe(Translator(), (ids(4, 10), ids(4, 7)), targets=ids(28), loss=loss)
    assert dims_of(report, "targets") == ("B·T2",)
    assert report.ok


class Columns(nn.Module):
    """A text beside six questions of twenty answers each."""

    def __init__(self):
        super().__init__()
        self.text, self.choices = nn.Embedding(50, 16), nn.Embedding(50, 8)
        self.head = nn.Linear(16 + 6 * 8, 2)

    def forward(self, words, answers):
        return self.head(torch.cat([self.text(words).mean(1), self.choices(answers).flatten(1)], 1))


def test_row_of_a_fixed_number_is_no_second_length():
    report = shapewidget.probe(Columns(), (ids(4, 10), ids(4, 6)))
    assert dims_of(report, "text") == ("B", "T", "16")
    assert dims_of(report, "choices") == ("B", "6", "8")
    assert report.ok


class Pair(nn.Module):
    """Two texts of the same kind, packed."""

    def __init__(self, hidden=24):
        super().__init__()
        self.words, self.body = nn.Embedding(50, 16), nn.GRU(16, hidden, batch_first=True)

    def read(self, words, lengths):
        packed = pack_padded_sequence(self.words(words), lengths, batch_first=True, enforce_sorted=False)
        return self.body(packed)[1][-1]

    def forward(self, one, one_lengths, two, two_lengths):
        return self.read(one, one_lengths) * self.read(two, two_lengths)


def test_lengths_of_the_second_sequences_follow_them():
    lengths = torch.tensor([10, 7, 5, 3]), torch.tensor([6, 4, 2, 6])
    report = shapewidget.probe(Pair(), (ids(4, 10), lengths[0], ids(4, 6), lengths[1]))
    assert report.ok
    assert dims_of(report, "words#2") == ("B", "T2", "16")
    assert dims_of(report, "body#2") == ("?", "hidden")
    assert dims_of(report, "body#2", 1) == ("T2",)


class Points(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.each = nn.Linear(3, width)

    def forward(self, points):
        return self.each(points).amax(1)


def test_axis_that_the_user_named_is_a_symbol_too():
    report = shapewidget.probe(Points(), torch.rand(4, 100, 3), axes="B N C")
    assert dims_of(report, "each") == ("B", "N", "width")
    assert report.ok


def test_depth_of_a_volume_is_a_symbol():
    report = shapewidget.probe(nn.Sequential(nn.Conv3d(1, 4, 3)), torch.rand(2, 1, 8, 12, 16))
    assert dims_of(report, "0") == ("B", "4", "D-2", "H-2", "W-2")
