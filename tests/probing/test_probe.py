"""`shapewidget.probe` on wrong programs and on their right twins."""

from __future__ import annotations

import json

import pytest
import torch
from fingerprint import fingerprint
from torch import nn
from torch.nn import functional as F

import shapewidget
from shapewidget.graph.records import Agreement


class Tagger(nn.Module):
    def __init__(self, vocab=500, emb=48, hidden=64, tags=9):
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb)
        self.lstm = nn.LSTM(emb, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, tags)

    def forward(self, ids):
        states, _ = self.lstm(self.embedding(ids))
        return torch.log_softmax(self.head(states), -1)


class BrokenTagger(Tagger):
    def __init__(self, vocab=500, emb=48, hidden=64, tags=9):
        super().__init__(vocab, emb, hidden, tags)
        self.head = nn.Linear(hidden, tags)


class Layers(nn.Module):
    """Modules by name, and a forward that is handed in."""

    def __init__(self, forward, **layers):
        super().__init__()
        self.layers = nn.ModuleDict(layers)
        self._forward = forward

    def forward(self, *inputs):
        return self._forward(self.layers, *inputs)


def conv(channels):
    return Layers(
        lambda m, x: m["two"](F.relu(m["one"](x))), one=nn.Conv2d(3, 16, 3), two=nn.Conv2d(channels, 8, 3)
    ), torch.randn(2, 3, 20, 20)  # fmt: skip


def norm(width):
    return Layers(lambda m, x: m["norm"](m["one"](x)), one=nn.Linear(6, 40), norm=nn.LayerNorm(width)), torch.randn(
        3, 6
    )


def state(axis):
    def forward(m, x):
        return m["gru"](x, torch.zeros(1, x.shape[axis], 12))[0]

    return Layers(forward, gru=nn.GRU(6, 12, batch_first=True)), torch.randn(4, 9, 6)


def added(width):
    return Layers(lambda m, x: m["one"](x) + m["two"](x), one=nn.Linear(6, 10), two=nn.Linear(6, width)), torch.randn(
        3, 6
    )


def joined(axis):
    def forward(m, x):
        return torch.cat([m["one"](x), m["two"](x)], axis)

    return Layers(forward, one=nn.Linear(6, 10), two=nn.Linear(6, 14)), torch.randn(3, 6)


def multiplied(is_right):
    def forward(m, x):
        return m["one"](x) @ (m["two"](x).T if is_right else m["two"](x))

    return Layers(forward, one=nn.Linear(6, 10), two=nn.Linear(6, 10)), torch.randn(3, 6)


def viewed(width):
    return Layers(lambda m, x: m["one"](x).view(-1, 2, width), one=nn.Linear(6, 10)), torch.randn(3, 6)


def rank(is_right):
    def forward(m, x):
        return m["conv"](x if is_right else x.flatten(1))

    return Layers(forward, conv=nn.Conv2d(3, 4, 3)), torch.randn(2, 3, 8, 8)


def dtype(kind):
    return Layers(lambda m, x: m["one"](x), one=nn.Linear(6, 2)), torch.randn(3, 6).to(kind)


def index(largest):
    ids = torch.zeros(3, 5, dtype=torch.int64)
    ids[1, 2] = largest
    return Layers(lambda m, x: m["words"](x), words=nn.Embedding(50, 8)), ids


WRONG_AND_RIGHT = {
    "SW102": (conv, 32, 16, "layers.two", (32, 16)),
    "SW103": (norm, 24, 40, "layers.norm", (24, 40)),
    "SW104": (state, 1, 0, "layers.gru", (4, 9)),
    "SW201": (added, 12, 10, "add", (10, 12)),
    "SW202": (joined, 0, 1, "cat", (10, 14)),
    "SW203": (multiplied, False, True, "matmul", (10, 3)),
    "SW204": (viewed, 4, 5, "view", (30, 8)),
    "SW110": (rank, False, True, "layers.conv", (4, 2)),
    "SW401": (dtype, torch.float64, torch.float32, "layers.one", ("float32", "float64")),
    "SW402": (index, 50, 49, "layers.words", (49, 50)),
}


@pytest.mark.parametrize("code", WRONG_AND_RIGHT)
def test_probe_finds_the_mistake_and_states_both_sizes(code):
    make, wrong, right, layer, sizes = WRONG_AND_RIGHT[code]
    report = shapewidget.probe(*make(wrong))
    assert [(finding.code, finding.layer) for finding in report.findings] == [(code, layer)]
    assert all(str(size) in report.findings[0].reason for size in sizes)
    assert not report.ok
    after = shapewidget.probe(*make(right))
    assert after.ok, str(after)


def test_probe_of_a_clean_tagger_solves_every_axis():
    report = shapewidget.probe(Tagger(), torch.randint(0, 500, (8, 16)))
    assert report.ok
    shapes = {layer.id: str(layer.outputs[0]) for layer in report.graph.layers if layer.outputs}
    assert shapes["ids"] == "(B, T)"
    assert shapes["embedding"] == "(B, T, emb)"
    assert shapes["lstm"] == "(B, T, 2·hidden)"
    assert shapes["head"] == "(B, T, tags)"
    assert {edge.state for edge in report.graph.edges} == {Agreement.AGREE}


def test_probe_draws_what_lies_behind_a_mismatch_as_assumed():
    report = shapewidget.probe(BrokenTagger(), torch.randint(0, 500, (8, 16)))
    (edge,) = [edge for edge in report.graph.edges if edge.state is Agreement.MISMATCH]
    assert (edge.source, edge.target, edge.axis) == ("lstm", "head", 2)
    assert edge.badge == "2·hidden = 128 ≠ 64"
    assert not edge.assumed
    assert {edge.target for edge in report.graph.edges if edge.assumed} == {"log_softmax", "output"}


def test_probe_runs_the_fix_that_it_proposes():
    (finding,) = shapewidget.probe(BrokenTagger(), torch.randint(0, 500, (8, 16))).findings
    assert finding.verified
    assert finding.fix == "self.head = nn.Linear(2 * hidden, tags)"
    assert (
        "-        self.head = nn.Linear(hidden, tags)\n+        self.head = nn.Linear(2 * hidden, tags)"
        in finding.patch
    )
    assert str(finding.source).startswith("test_probe.py:")
    assert finding.source.text == "self.head = nn.Linear(hidden, tags)"


def test_probe_tells_six_planted_mistakes_in_one_run():
    def forward(m, x):
        h, _ = m["lstm"](m["one"](x))
        h = m["norm"](h)
        h = h + m["two"](h)
        h = torch.cat([h, x[:, :-1]], -1)
        h = h.reshape(4, 3, 7)
        return m["head"](h)

    model = Layers(
        forward,
        one=nn.Linear(6, 10),
        lstm=nn.LSTM(12, 8, batch_first=True),
        norm=nn.LayerNorm(9),
        two=nn.Linear(8, 11),
        head=nn.Linear(5, 2),
    )
    report = shapewidget.probe(model, torch.randn(4, 5, 6))
    mismatches = [finding.layer for finding in report.findings if finding.severity.value == "mismatch"]
    assert mismatches == ["layers.lstm", "layers.norm", "add", "cat", "reshape", "layers.head"]
    assert report.stopped is None


def test_probe_finds_a_forgotten_batch_first_where_targets_tell_the_batch():
    class Forgetful(Tagger):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(48, 64, bidirectional=True)

    ids, targets = torch.randint(0, 500, (8, 16)), torch.randint(0, 9, (8, 16))

    def loss(outputs, targets):
        return F.nll_loss(outputs.flatten(0, 1), targets.flatten())

    (finding,) = shapewidget.probe(Forgetful(), ids, targets=targets, loss=loss).findings
    assert (finding.code, finding.layer, finding.verified) == ("SW503", "lstm", True)
    assert "batch_first=True" in finding.fix


@pytest.mark.parametrize("loss", [nn.MSELoss(), F.mse_loss, lambda outputs, targets: (outputs - targets).pow(2).mean()])
def test_probe_finds_a_loss_that_compares_every_sample_with_every_other(loss):
    model, x = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 1)), torch.randn(24, 6)
    (finding,) = shapewidget.probe(model, x, targets=torch.randn(24), loss=loss).findings
    assert finding.code == "SW302"
    assert "(24, 24)" in finding.reason
    assert shapewidget.probe(model, x, targets=torch.randn(24, 1), loss=loss).ok


def test_probe_finds_a_batch_size_written_into_the_program():
    model = Layers(lambda m, x: m["one"](x).view(32, -1), one=nn.Linear(6, 10))
    (finding,) = shapewidget.probe(model, torch.randn(32, 6)).findings
    assert (finding.code, finding.layer) == ("SW502", "view")
    assert shapewidget.probe(
        Layers(lambda m, x: m["one"](x).view(len(x), -1), one=nn.Linear(6, 10)), torch.randn(32, 6)
    ).ok


def test_probe_takes_the_ways_of_an_episode_for_no_batch():
    def forward(m, support, query):
        prototypes = m["one"](support.flatten(0, 1)).view(5, 3, -1).mean(1)
        return -torch.cdist(m["one"](query), prototypes)

    support, query, targets = torch.randn(5, 3, 6), torch.randn(8, 6), torch.randint(0, 5, (8,))
    model = Layers(forward, one=nn.Linear(6, 16))
    assert shapewidget.probe(model, (support, query), targets=targets, loss=nn.CrossEntropyLoss()).ok


def test_probe_notes_sizes_that_agree_only_by_coincidence():
    class Two(nn.Module):
        def __init__(self, emb=32, hidden=32):
            super().__init__()
            self.rnn = nn.GRU(6, hidden, batch_first=True)
            self.head = nn.Linear(emb, 4)
            self.word = nn.Linear(6, emb)

        def forward(self, x):
            return self.head(self.rnn(x)[0]), self.word(x)

    report = shapewidget.probe(Two(), torch.randn(4, 5, 6))
    assert report.ok
    (finding,) = report.findings
    assert (finding.code, finding.layer) == ("SW501", "head")
    assert [edge.target for edge in report.graph.edges if edge.state is Agreement.COINCIDENCE] == ["head"]


def test_probe_reports_an_error_of_the_program_itself():
    class Raises(Tagger):
        def forward(self, ids):
            super().forward(ids)
            raise KeyError("no such label")

    report = shapewidget.probe(Raises(), torch.randint(0, 500, (8, 16)))
    assert report.stopped == "KeyError: 'no such label'"
    assert [finding.code for finding in report.findings] == ["SW901"]


@pytest.mark.parametrize("make", [Tagger, BrokenTagger])
@pytest.mark.parametrize("training", [True, False])
def test_probe_leaves_the_model_as_it_was(make, training):
    model, ids = make().train(training), torch.randint(0, 500, (8, 16))
    model.embedding(ids).sum().backward()
    before = fingerprint(model)
    shapewidget.probe(model, ids)
    shapewidget.probe(model)
    assert fingerprint(model) == before


def test_report_reads_well_in_a_terminal():
    report = shapewidget.probe(BrokenTagger(), torch.randint(0, 500, (8, 16)))
    lines = str(report).splitlines()
    assert lines[0] == "BrokenTagger on cpu: 1 mismatch"
    assert any(line.startswith("✕ SW101 The layer was built for another width at test_probe.py:") for line in lines)
    assert any("lstm LSTM" in line and "(B, T, 2·hidden)" in line for line in lines)
    assert any("head Linear" in line and "<- 2·hidden = 128 ≠ 64" in line for line in lines)
    assert lines[-1] == "with vocab = 500, emb = 48, hidden = 64, tags = 9, B = 8, T = 16"


def test_report_raises_for_findings_with_its_text():
    with pytest.raises(shapewidget.ShapeWidgetError, match="SW101"):
        shapewidget.probe(BrokenTagger()).raise_for_findings()
    shapewidget.probe(Tagger()).raise_for_findings()


def test_report_as_json_is_plain():
    report = shapewidget.probe(BrokenTagger(), torch.randint(0, 500, (8, 16)))
    plain = json.loads(report.to_json())
    assert plain["findings"][0]["code"] == "SW101"
    assert plain["layers"][2]["outputs"][0]["dims"] == ["B", "T", "2·hidden"]
