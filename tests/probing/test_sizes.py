"""At which other sizes a program is probed."""

import itertools

import torch
from torch import nn

import shapewidget
from shapewidget.frameworks.nesting import largest_number
from shapewidget.probing.sizes import other_sizes, small_start


def test_large_arguments_start_low_and_those_that_may_count_ids_above_the_ids():
    start = small_start({"vocab": 5000, "hidden": 512, "tags": 9, "length": 1024}, largest_id=999)
    assert start == {"vocab": 1000, "hidden": 0, "tags": 9, "length": 1024}


def test_settings_differ_independently_of_one_another_also_where_they_are_small():
    axes, arguments = {"B": 32, "T": 100}, {"vocab": 5000, "hidden": 512, "emb": 512, "inner": 2048, "tags": 9}
    for start in (None, small_start(arguments, 4999)):
        own = {**axes, **arguments}
        one, two = other_sizes(axes, arguments, start)
        differences = [(one[name] - own[name], two[name] - own[name]) for name in own]
        assert all(a[0] * b[1] != a[1] * b[0] for a, b in itertools.combinations(differences, 2))


def test_largest_number_is_of_whole_numbers_only():
    values = {"ids": [torch.tensor([3, 41])], "values": torch.tensor([99.0]), "none": torch.zeros(0, dtype=torch.long)}
    assert largest_number(values) == 41
    assert largest_number(torch.rand(3)) == 0


class Tagger(nn.Module):
    def __init__(self, vocab, hidden, least=0):
        super().__init__()
        assert hidden >= least
        self.vocab, self.hidden, self.least = vocab, hidden, least
        self.embedding = nn.Embedding(vocab, hidden)
        self.head = nn.Linear(hidden, 2 * hidden)

    def forward(self, tokens):
        return self.head(self.embedding(tokens))


def test_wide_model_is_probed_where_it_is_narrow():
    report = shapewidget.probe(Tagger(200, 1024), torch.arange(40).reshape(4, 10))
    assert str(report.graph.by_id["head"].outputs[0].dims[-1]) == "2·hidden"
    assert [recording.sizes["hidden"] < 128 for recording in report.session._others] == [True, True]
    assert all(recording.sizes["vocab"] > 39 for recording in report.session._others)


def test_wide_model_that_cannot_be_narrow_is_probed_where_it_is_wider():
    report = shapewidget.probe(Tagger(200, 1024, least=1024), torch.arange(40).reshape(4, 10))
    assert str(report.graph.by_id["head"].outputs[0].dims[-1]) == "2·hidden"
    assert all(recording.sizes["hidden"] > 1024 for recording in report.session._others)
