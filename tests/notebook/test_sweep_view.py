import pytest
from sweep_models import Scorer, inputs

import shapewidget
from shapewidget.notebook.sweep_view import SweepView


@pytest.fixture
def sweep():
    return shapewidget.sweep(Scorer(), inputs(), batch_size=[2, 4], progress=False)


def test_memory_and_time_of_the_points_are_drawn(sweep):
    view = SweepView(sweep)
    view.show()
    assert list(view.plots) == ["peak_bytes", "step_seconds"]
    assert [plot.figure["data"][0]["x"] for plot in view.plots.values()] == [[2, 4], [2, 4]]
    assert "2 of 2 points" in view.text.value


def test_forward_passes_alone_are_drawn_as_such():
    sweep = shapewidget.sweep(Scorer(), inputs(), batch_size=2, mode="forward", progress=False)
    assert list(SweepView(sweep).plots) == ["peak_bytes", "forward_seconds"]


def test_the_library_is_in_the_state_of_the_plots_only_while_it_runs(sweep, capsys):
    view = SweepView(sweep)
    plots = view.plots.values()
    with view.running():
        assert all(len(plot.library) > 10_000 for plot in plots)
    assert [plot.library for plot in plots] == [None, None]
    assert all(plot.figure for plot in plots)
    assert view.button.layout.display == "none"


def test_the_button_ends_a_sweep_once(sweep):
    ended = []

    def stop(running):
        view = SweepView(running)
        view.button.click()
        ended.append(running.is_cancelled)

    shapewidget.sweep(Scorer(), inputs(), batch_size=[2, 3, 4], progress=False, observer=stop)
    assert ended == [True]
    SweepView(sweep).button.click()
    assert not sweep.is_cancelled


def test_closing_it_closes_all_its_parts(sweep):
    view = SweepView(sweep)
    view.close()
    assert all(plot.comm is None for plot in view.plots.values())
