"""A point that would not fit is told from small runs, and no run is made where it surely fits."""

from __future__ import annotations

import pytest
import torch
from sweep_models import Scorer, inputs

import shapewidget
from shapewidget import zoo
from shapewidget.frameworks.adapter import Effort
from shapewidget.frameworks.slices import finished
from shapewidget.frameworks.torch.adapter import TorchAdapter
from shapewidget.probing.foresight import Foresight
from shapewidget.probing.program import program

OWN = {"B": 8, "T": 16, "hidden": 16}


@pytest.fixture
def subject():
    model, tokens = zoo.BiLSTMTagger(vocab=50, emb=16, hidden=16), torch.randint(0, 50, (8, 16))
    return program(
        model,
        tokens,
        targets=None,
        loss=None,
        axes=None,
        build=None,
        optimizer=None,
        step=None,
        device=None,
        training=True,
        seed=0,
    )


@pytest.fixture
def runs():
    return []


@pytest.fixture
def foresight(subject, runs):
    def run(point):
        runs.append(point)
        return finished(subject.measuring(point, Effort.BYTES))

    return Foresight(tuple(OWN), (), OWN, {"hidden": 8}, run)


def test_a_point_that_surely_fits_costs_one_small_run(foresight, runs):
    assert foresight.peak({"B": 8, "T": 16, "hidden": 16}, (), 2**33) is None
    assert runs == [{"B": 2, "T": 4, "hidden": 8}]
    assert foresight.peak({"B": 4, "T": 8, "hidden": 8}, (), 2**33) is None
    assert len(runs) == 1


def test_a_measured_point_serves_as_well(subject, foresight, runs):
    measured = finished(subject.measuring(OWN, Effort.BYTES))
    assert foresight.peak({"B": 16, "T": 16, "hidden": 16}, [measured], 2**33) is None
    assert runs == []


def test_the_peak_of_a_doubtful_point_is_predicted_from_smaller_ones(subject, foresight, runs):
    wanted = {"B": 64, "T": 64, "hidden": 64}
    said = foresight.peak(wanted, (), 2**20)
    assert said == pytest.approx(finished(subject.measuring(wanted, Effort.BYTES)).memory.peak, rel=0.15)
    assert all(run[name] <= OWN[name] for run in runs for name in OWN)


def test_without_sizes_nothing_is_run():
    assert (
        Foresight((), ("activation",), {}, {}, lambda _: pytest.fail("it ran")).peak({"activation": 1}, (), 1) is None
    )


def test_a_sweep_refuses_its_first_point_where_the_host_would_swap(monkeypatch):
    monkeypatch.setattr(TorchAdapter, "room", lambda self, model: 2**22)
    largest = []

    class Watched(Scorer):
        def forward(self, x):
            largest.append(len(x))
            return super().forward(x)

    sweep = shapewidget.sweep(Watched(), inputs(), batch_size=[100_000, 4], progress=False)
    assert [point.fits for point in sweep.points] == [False, True]
    assert "It was not run" in sweep.points[0].refusal
    assert max(largest) == 4
