"""Checkpoints that a model refuses."""

from __future__ import annotations

import pytest
import torch
from fingerprint import fingerprint
from torch import nn

import shapewidget


class Net(nn.Module):
    def __init__(self, features=6, hidden=16, classes=3):
        super().__init__()
        self.first = nn.Linear(features, hidden)
        self.second = nn.Linear(hidden, classes)

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


def refused(model, saved):
    with pytest.raises(RuntimeError) as caught:
        model.load_state_dict(saved)
    return caught.value


def test_checkpoint_of_other_sizes_names_the_argument_that_differs():
    model, saved = Net(hidden=16), Net(hidden=24).state_dict()
    (finding,) = shapewidget.explain(refused(model, saved)).findings
    assert (finding.code, finding.layer) == ("SW801", "load_state_dict")
    assert (finding.expected, finding.got, finding.axis) == ((16, 6), (24, 6), 0)
    assert "hidden = 24" in finding.reason
    assert (finding.fix, finding.verified) == ("model = Net(hidden=24)", True)


def test_checkpoint_with_a_prefix_is_mended_in_the_line_that_loads_it():
    model = Net()
    saved = nn.DataParallel(Net()).state_dict()
    (finding,) = shapewidget.explain(refused(model, saved)).findings
    assert finding.code == "SW802"
    assert "`module.`" in finding.reason
    assert "removeprefix('module.')" in finding.fix
    assert finding.verified


def test_checkpoint_of_another_model_says_which_names_differ():
    (finding,) = shapewidget.explain(refused(Net(), nn.Linear(6, 16).state_dict())).findings
    assert finding.code == "SW802"
    assert "`first.weight`" in finding.reason
    assert not finding.verified


def test_capture_finds_a_refused_checkpoint():
    saved = Net(classes=5).state_dict()
    with shapewidget.capture(reraise=False) as report:
        model = Net()
        model.load_state_dict(saved)
    (finding,) = report.findings
    assert (finding.code, finding.verified) == ("SW801", True)
    assert "classes=5" in finding.fix


def test_explaining_a_checkpoint_leaves_the_weights_as_they_are():
    model, saved = Net(hidden=16), Net(hidden=24).state_dict()
    error = refused(model, saved)
    before = fingerprint(model)
    shapewidget.explain(error)
    assert fingerprint(model) == before
