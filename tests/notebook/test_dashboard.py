import asyncio
import contextlib
import subprocess
import sys
import threading

import ipywidgets
import pytest
from loops import until
from stand_in import SIZES, RecordingCosts, RecordingSession

from shapewidget.errors import RebuildError
from shapewidget.graph.anchored import Estimate
from shapewidget.graph.costs import LayerCost, Measurement
from shapewidget.notebook import dashboard as dashboard_module
from shapewidget.notebook import report_view
from shapewidget.notebook.dashboard import Dashboard
from shapewidget.probing.predictor import Prediction
from shapewidget.probing.sizes import SizeControl

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def published(monkeypatch):
    """The bundles that are displayed."""
    bundles = []
    monkeypatch.setattr(report_view, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


@pytest.fixture
def settled(monkeypatch):
    """Controls that have always rested for long enough."""
    monkeypatch.setattr(dashboard_module, "SETTLE_SECONDS", 0)


def is_idle(dashboard):
    return dashboard.graph_view.status["state"] == "ready" and dashboard._scheduler._slices is None


@contextlib.asynccontextmanager
async def live(session):
    """A dashboard in a loop, its first points measured."""
    dashboard = Dashboard(session)
    await until(lambda: session.measured and is_idle(dashboard))
    session.probed.clear()
    session.measured.clear()
    yield dashboard
    dashboard.close()


def shape(dashboard, tensor=2):
    return dashboard.graph_view.tensors[tensor]["shape"]


def test_time_is_predicted_also_where_memory_is_not(session, settled, monkeypatch):
    time = Estimate(0.02, 0.01, 0.03)
    monkeypatch.setattr(RecordingCosts, "predict", lambda _, sizes: Prediction(dict(sizes), forward=time, step=time))

    async def main():
        async with live(session) as dashboard:
            assert "training step, predicted" in [trace.name for trace in dashboard.timing_figure.data]
            assert "peak, predicted" not in [trace.name for trace in dashboard.memory_figure.data]

    asyncio.run(main())


# What is there at once


def test_layers_are_predicted_while_a_slider_moves_and_the_plot_says_of_which_sizes(session, settled, monkeypatch):
    measured = Measurement(SIZES, "cpu", None, None, None, layers={"head": LayerCost(2048, 0.001)})
    monkeypatch.setattr(RecordingCosts, "predict_layers", lambda _, sizes: {"head": LayerCost(100 * sizes["B"], 0.002)})

    async def main():
        async with live(session) as dashboard:
            dashboard._points.add(measured)
            dashboard._show_layers(SIZES)
            before = dashboard.layers_figure
            dashboard.sizes = {**SIZES, "B": 8}
            return before, dashboard.layers_figure

    before, moved = asyncio.run(main())
    assert (before.data[0].text, moved.data[0].text) == (("2.00 KiB",), ("800 B",))
    assert before.layout.annotations[0].text == "measured at batch size 4, sequence length 10, hidden size 32"
    assert moved.layout.annotations[0].text == "predicted at batch size 8, sequence length 10, hidden size 32"


def test_dashboard_shows_the_sessions_report_at_once(session):
    dashboard = Dashboard(session)
    assert dashboard.report is session.report
    assert dashboard.graph_view.graph["title"] == "Tagger"
    assert dashboard.sizes == SIZES
    assert session.probed == []
    assert session.measured == []


def test_dashboard_has_a_control_for_every_size(session):
    dashboard = Dashboard(session)
    assert {name: control.value for name, control in dashboard.controls.items()} == SIZES


def test_dashboard_uses_no_widget_that_colab_cannot_show(session):
    def parts(widget):
        yield type(widget).__name__
        for child in getattr(widget, "children", ()):
            yield from parts(child)

    assert set(parts(Dashboard(session))).isdisjoint({"Tab", "Accordion", "Stack"})


def test_dashboard_in_a_loop_measures_after_it_was_made(session, settled):
    async def main():
        dashboard = Dashboard(session)
        assert session.measured == []
        await until(lambda: session.measured and is_idle(dashboard))
        assert session.measured[0] == SIZES
        assert session.probed == []
        dashboard.close()

    asyncio.run(main())


def test_dashboard_is_there_before_plotly_is_loaded():
    code = "import sys, shapewidget.notebook.dashboard; print('plotly' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


# Moving a size


def test_moved_size_shows_its_shapes_before_anything_runs(session):
    async def main():
        async with live(session) as dashboard:
            dashboard.controls["hidden"].value = 100
            await until(lambda: shape(dashboard) == [4, 10, 200])
            assert session.probed == []
            assert dashboard.graph_view.sizes["hidden"] == 100

    asyncio.run(main())


def test_moved_size_is_probed_once_with_the_last_value(session):
    async def main():
        async with live(session) as dashboard:
            for value in (5, 6, 7, 8, 9):
                dashboard.controls["B"].value = value
                await asyncio.sleep(0)
            await until(lambda: session.measured and is_idle(dashboard))
            assert session.probed == [SIZES | {"B": 9}]
            assert session.measured[0] == SIZES | {"B": 9}
            assert dashboard.report.graph.sizes["B"] == 9

    asyncio.run(main())


def test_moved_size_is_the_axis_of_the_plots(session, settled):
    async def main():
        async with live(session) as dashboard:
            dashboard.controls["T"].value = 40
            await until(lambda: session.measured and is_idle(dashboard))
            assert {tuple(point.items()) for point in session.measured} == {
                tuple((SIZES | {"T": size}).items()) for size in (40, 10, 20, 80, 160)
            } - {tuple(SIZES.items())}
            assert dashboard.memory_figure.layout.xaxis.title.text == "sequence length"
            assert dashboard.timing_figure.layout.xaxis.title.text == "sequence length"
            assert dashboard._plots.timing.figure is not None
            assert [point.sizes["B"] for point in dashboard.measurements[-4:]] == [4] * 4

    asyncio.run(main())


def test_size_that_was_measured_before_is_not_measured_again(session, settled):
    async def main():
        async with live(session) as dashboard:
            dashboard.controls["B"].value = 8
            await until(lambda: session.probed and is_idle(dashboard))
            assert SIZES | {"B": 8} not in session.measured

    asyncio.run(main())


def test_newer_size_ends_an_older_measurement(session, settled):
    async def main():
        async with live(session) as dashboard:

            def move_on(sizes):
                if sizes["hidden"] == 50:
                    thread = threading.Thread(target=setattr, args=(dashboard.controls["hidden"], "value", 60))
                    thread.start()
                    thread.join()

            session.on_measure = move_on
            dashboard.controls["hidden"].value = 50
            await until(lambda: session.measured and is_idle(dashboard))
            assert [point["hidden"] for point in session.measured] == [60, 15, 30, 120, 240]
            assert dashboard.sizes["hidden"] == 60
            assert dashboard.graph_view.problem is None

    asyncio.run(main())


def test_size_moved_on_another_thread_is_run_on_the_main_thread(session, settled):
    session.threads.clear()

    async def main():
        async with live(session) as dashboard:
            await asyncio.to_thread(dashboard.controls["B"].slider.set_state, {"value": 9})
            await until(lambda: session.measured and is_idle(dashboard))
            assert session.probed[-1]["B"] == dashboard.controls["B"].value

    asyncio.run(main())
    assert session.threads == {threading.current_thread()}


def test_moved_size_without_a_loop_is_run_at_once(session):
    dashboard = Dashboard(session)
    dashboard.controls["B"].value = 16
    assert session.probed == [SIZES | {"B": 16}]
    assert [point["B"] for point in session.measured] == [16, 4, 8, 32, 64]
    assert is_idle(dashboard)


def test_sliders_without_a_loop_wait_for_their_release(session):
    assert not Dashboard(session).controls["B"].slider.continuous_update


# What cannot be done


def test_refused_size_is_disabled_and_never_asked_for(session):
    session.controls = (*session.controls[:2], SizeControl("", "hidden size", 1, refusal="Pass build=..."))
    dashboard = Dashboard(session)
    control = dashboard.controls["hidden size"]
    assert control.slider.disabled
    assert "Pass build=..." in control.message.value
    control.value = 64
    assert session.probed == []


def test_dashboard_of_a_model_with_no_movable_size_measures_it_all_the_same(session, published):
    session.controls = tuple(SizeControl(it.name, it.label, it.value, refusal="No.") for it in session.controls)
    dashboard = Dashboard(session)
    dashboard.display()
    assert session.measured == [SIZES]
    assert dashboard.memory_figure.data


@pytest.mark.parametrize(
    ("error", "text"),
    [(RebuildError("9 heads do not divide 64."), "9 heads do not divide 64."), (KeyError("x"), "KeyError: 'x'")],
)
def test_size_that_fails_is_a_visible_problem_and_is_taken_back(session, settled, error, text):
    session.refused["hidden", 50] = error

    async def main():
        async with live(session) as dashboard:
            dashboard.controls["B"].value = 8
            await until(lambda: session.probed and is_idle(dashboard))
            dashboard.controls["hidden"].value = 50
            await until(lambda: dashboard.graph_view.problem is not None)
            assert dashboard.graph_view.problem == {
                "title": "Running the model at batch size 8, sequence length 10, hidden size 50 failed",
                "text": text,
            }
            assert dashboard.sizes == SIZES | {"B": 8}
            assert {name: control.value for name, control in dashboard.controls.items()} == SIZES | {"B": 8}
            assert shape(dashboard) == [8, 10, 64]
            session.probed.clear()
            await until(lambda: is_idle(dashboard))
            assert session.probed == []

    asyncio.run(main())


def test_next_size_clears_the_problem(session, settled):
    session.refused["hidden", 50] = RebuildError("No.")
    dashboard = Dashboard(session)
    dashboard.controls["hidden"].value = 50
    assert dashboard.graph_view.problem is not None
    dashboard.controls["hidden"].value = 60
    assert dashboard.graph_view.problem is None
    assert dashboard.sizes["hidden"] == 60


def test_neighbour_that_fails_is_left_out_without_a_word(session):
    session.refused["B", 8] = RebuildError("No.")
    dashboard = Dashboard(session)
    dashboard.controls["B"].value = 16
    assert [point["B"] for point in session.measured] == [16, 4, 32, 64]
    assert dashboard.graph_view.problem is None
    assert dashboard.sizes["B"] == 16


# Progress


def test_progress_is_shown_while_something_longer_runs(session, settled, monkeypatch):
    monkeypatch.setattr(dashboard_module, "LONG_SECONDS", -1)
    shown, said = [], []
    dashboard = Dashboard(session)
    dashboard.progress.layout.observe(lambda change: shown.append(change["new"]), "visibility")
    dashboard.graph_view.observe(lambda change: said.append(change["new"]["text"]), "status")
    dashboard.controls["B"].value = 16
    assert shown == ["visible", "hidden"]
    assert said[:2] == [
        "Running the model at batch size 16, sequence length 10, hidden size 32",
        "Measuring at batch size 16, sequence length 10, hidden size 32",
    ]
    assert said[-1] == ""


def test_progress_stays_hidden_for_what_is_quick(session, monkeypatch):
    monkeypatch.setattr(dashboard_module, "LONG_SECONDS", 60)  # a busy machine is not quick
    dashboard = Dashboard(session)
    shown = []
    dashboard.progress.layout.observe(shown.append, "visibility")
    dashboard.controls["B"].value = 16
    assert shown == []


def test_cancel_button_ends_a_measurement(session, settled):
    async def main():
        async with live(session) as dashboard:
            session.on_measure = lambda sizes: dashboard.progress.button.click()
            dashboard.controls["B"].value = 100
            await until(lambda: session.probed and is_idle(dashboard))
            assert session.measured == []
            assert dashboard.graph_view.problem is None
            assert dashboard.progress.layout.visibility == "hidden"

    asyncio.run(main())


# Display and close


def test_display_sends_the_widget_with_a_picture_for_where_no_kernel_runs(session, published):
    dashboard = Dashboard(session)
    dashboard._ipython_display_()
    assert published[0][WIDGET] == {"version_major": 2, "version_minor": 0, "model_id": dashboard.model_id}
    assert "<table" in published[0]["text/html"]
    assert published[0]["text/plain"] == str(session.report)


def test_display_without_a_loop_measures_after_it_has_shown(session, published, monkeypatch):
    dashboard = Dashboard(session)
    monkeypatch.setattr(report_view, "display", lambda bundle, raw: published.append(list(session.measured)))
    dashboard.display()
    assert published == [[]]
    assert session.measured[0] == SIZES


def test_display_of_a_closed_dashboard_is_the_picture(session, published):
    dashboard = Dashboard(session)
    dashboard.close()
    dashboard.display()
    assert published[0].keys() == {"text/html", "text/plain"}
    assert session.measured == []


def test_close_leaves_no_widget_behind():
    def ids():
        module = ipywidgets.widgets.widget
        return set(module._instances if hasattr(module, "_instances") else ipywidgets.Widget.widgets)

    before = ids()
    dashboard = Dashboard(RecordingSession())
    dashboard.close()
    dashboard.close()
    assert ids() == before


def test_close_stops_what_runs(session, settled):
    async def main():
        async with live(session) as dashboard:
            session.on_measure = lambda sizes: dashboard.close()
            dashboard.controls["B"].value = 100
            await until(lambda: session.probed and is_idle(dashboard))
            assert session.measured == []

    asyncio.run(main())
