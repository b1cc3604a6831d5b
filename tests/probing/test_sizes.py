"""At which other sizes a program is probed."""

import itertools

import pytest
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


@pytest.mark.parametrize("size", [2, 4, 5, 8, 28, 31, 64, 224, 1000])
@pytest.mark.parametrize("batch_size", range(1, 40))
def test_heights_and_widths_differ_independently_of_one_another_and_of_the_batch_size(size, batch_size):
    axes = {"B": batch_size, "H": size, "W": size}
    one, two = other_sizes(axes, {})
    differences = [(one[name] - axes[name], two[name] - axes[name]) for name in axes]
    assert all(a[0] * b[1] != a[1] * b[0] for a, b in itertools.combinations(differences, 2))
    assert min(*one.values(), *two.values()) > 0


def test_height_of_a_picture_stays_divisible_by_what_a_network_divides_it_by():
    assert {sizes["H"] % 32 for sizes in other_sizes({"B": 8, "H": 224, "W": 224}, {})} == {0}


def upsampled(inner):
    """A small U-Net: what `inner` gives, twice as large, beside what it was given."""
    return nn.Sequential(nn.MaxPool2d(2), inner, nn.ConvTranspose2d(8, 8, 2, stride=2))


class Beside(nn.Module):
    def __init__(self):
        super().__init__()
        self.into, self.deep = nn.Conv2d(3, 8, 3, padding=1), upsampled(upsampled(nn.Conv2d(8, 8, 3, padding=1)))

    def forward(self, x):
        x = self.into(x)
        return torch.cat([x, self.deep(x)], dim=1).flatten(2)


def test_height_and_width_are_symbols_where_the_model_takes_others():
    graph = shapewidget.probe(Beside(), torch.rand(2, 3, 32, 32)).graph
    dims = {layer.id: "×".join(map(str, layer.outputs[0].dims)) for layer in graph.layers if layer.outputs}
    assert dims["into"] == "B×8×H×W"
    assert dims["deep.1.0"] == "B×8×H//4×W//4"
    assert dims["flatten"] == "B×16×H·W"


def test_height_and_width_are_numbers_where_a_flatten_fixes_them():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 13 * 13, 10))
    report = shapewidget.probe(model, torch.rand(2, 1, 28, 28))
    assert [str(layer.outputs[0].dims[-1]) for layer in report.graph.layers if layer.outputs] == [
        *("28", "26", "13", "676", "10")
    ]
    assert not report.findings


def test_fix_of_a_silent_mistake_is_run_on_pictures_that_the_model_takes():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 13 * 13, 1))
    report = shapewidget.probe(model, torch.rand(8, 1, 28, 28), targets=torch.rand(8), loss=nn.MSELoss())
    assert [(each.severity.name, each.verified) for each in report.findings] == [("COINCIDENCE", True)]


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
