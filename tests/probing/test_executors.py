"""Sweeps on workers of other processes, some of which die: no point is lost, and none is there twice."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from sweep_models import Deadly, Scorer, inputs

import shapewidget
from shapewidget.errors import InputError

TESTS = str(Path(__file__).parent.parent)
SIZES = [1, 2, 3, 5, 8, 13]


@pytest.fixture(autouse=True)
def workers_find_the_models(monkeypatch):
    """Engines and workers are started as programs of their own."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(TESTS).parent), TESTS]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def process_pool():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


@pytest.fixture
def dask_executor():
    import distributed

    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    )
    with cluster, distributed.Client(cluster) as client:
        yield client.get_executor()


@pytest.fixture
def ipyparallel_executor():
    import ipyparallel

    with ipyparallel.Cluster(n=2, log_level=50) as client:
        yield client.executor()


EXECUTORS = pytest.mark.parametrize("name", ["process_pool", "dask_executor", "ipyparallel_executor"])


def swept(model, executor, sizes=SIZES):
    return shapewidget.sweep(model, inputs(), batch_size=sizes, executor=executor, progress=False)


@EXECUTORS
@pytest.mark.filterwarnings("ignore")  # what clusters warn of as they start and end is theirs
def test_a_killed_worker_loses_no_point(name, request, tmp_path):
    executor = request.getfixturevalue(name)
    seen = []
    sweep = shapewidget.sweep(
        Deadly(folder=str(tmp_path), deadly=(3,)),
        inputs(),
        batch_size=SIZES,
        executor=executor,
        progress=False,
        observer=lambda sweep: seen.append(len(sweep.points)),
    )
    assert [grave.name for grave in tmp_path.iterdir()] == ["3-0"]
    assert [point.sizes["B"] for point in sweep.points] == SIZES
    assert [point.refusal for point in sweep.points] == [""] * len(SIZES)
    assert seen == [1, 2, 3, 4, 5, 6]
    assert sweep.pending == ()


def test_a_point_that_kills_every_worker_is_marked(process_pool, tmp_path):
    sweep = swept(Deadly(folder=str(tmp_path), deadly=(3,), times=9), process_pool)
    (marked,) = [point for point in sweep.points if point.refusal]
    assert marked.sizes["B"] == 3
    assert "Every one of 3 workers was lost" in marked.refusal
    assert len(sweep.points) == len(SIZES)


def test_weights_are_not_sent(process_pool):
    from shapewidget.probing.program import program

    sent = program(
        Scorer(hidden=2000), inputs(), targets=None, loss=None, axes=None, build=None, optimizer=None, step=None,
        device=None, training=True, seed=0,
    )  # fmt: skip
    assert len(sent.packed()) < 10_000
    (point,) = swept(Scorer(hidden=2000), process_pool, [4]).points
    assert point.memory.parameters == (6 * 2000 + 2000 + 2000 + 1) * 4


def test_workers_measure_what_is_measured_here(process_pool):
    here, there = swept(Scorer(), None, [4, 16]), swept(Scorer(), process_pool, [4, 16])
    assert [point.memory for point in here.points] == [point.memory for point in there.points]


def test_what_cannot_be_sent_is_said_before_anything_runs(process_pool):
    model = Scorer()
    model.lock = multiprocessing.get_context("spawn").Lock()
    with pytest.raises(InputError, match="cannot be sent to other processes"):
        swept(model, process_pool)


def test_a_cancelled_sweep_is_resumed_on_another_executor():
    def stop(sweep):
        if len(sweep.points) == 2:
            sweep.cancel()

    with ThreadPoolExecutor(1) as executor:
        sweep = shapewidget.sweep(
            Scorer(), inputs(), batch_size=SIZES, executor=executor, progress=False, observer=stop
        )
        assert sweep.is_cancelled
        assert 2 <= len(sweep.points) < len(SIZES)
    assert len(sweep.resume(progress=False).points) == len(SIZES)
    assert [point.sizes["B"] for point in sweep.points] == SIZES
