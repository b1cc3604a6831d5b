import gc
import weakref

import ipywidgets
import pytest
from stand_in import tagger_report

from shapewidget.notebook.cells import Cells, Run
from shapewidget.notebook.graph_view import GraphView


class Shell:
    """Names the running cell."""

    run: Run | None = None


@pytest.fixture
def shell():
    return Shell()


@pytest.fixture
def cells(shell):
    return Cells(lambda: shell.run)


def view(title="Tagger"):
    shown = GraphView()
    shown.show(tagger_report())
    shown.graph = {**shown.graph, "title": title}
    return shown


def test_a_cell_that_runs_again_closes_what_it_showed(shell, cells):
    first, second = view(), view()
    shell.run = Run("a", "1")
    cells.show(first, first)
    assert first.comm is not None
    shell.run = Run("a", "2")
    cells.show(second, second)
    assert first.comm is None
    assert second.comm is not None


def test_two_widgets_of_one_run_both_stay(shell, cells):
    views = [view(), view()]
    shell.run = Run("a", "1")
    for each in views:
        cells.show(each, each)
    assert all(each.comm is not None for each in views)


def test_a_widget_that_another_cell_shows_stays(shell, cells):
    first, second = view(), view()
    for run in (Run("a", "1"), Run("b", "2")):
        shell.run = run
        cells.show(first, first)
    shell.run = Run("a", "3")
    cells.show(second, second)
    assert first.comm is not None


def test_the_same_widget_shown_again_stays(shell, cells):
    first = view()
    for message in "12":
        shell.run = Run("a", message)
        cells.show(first, first)
    assert first.comm is not None


def test_what_was_open_and_selected_is_handed_on(shell, cells):
    first, second, other = view(), view(), view("Another model")
    first.view_state = {"version": 1, "open": ["encoder"], "direction": "right"}
    first.selection, first.colour_by = "head", "dtype"
    shell.run = Run("a", "1")
    cells.show(first, first)
    shell.run = Run("a", "2")
    cells.show(second, second)
    assert second.view_state["open"] == ["encoder"]
    assert (second.selection, second.colour_by) == ("head", "dtype")
    shell.run = Run("a", "3")
    cells.show(other, other)
    assert other.view_state["open"] is None


def test_a_selection_that_is_gone_is_not_handed_on(shell, cells):
    first, second = view(), view()
    first.selection = "a layer of before"
    shell.run = Run("a", "1")
    cells.show(first, first)
    shell.run = Run("a", "2")
    cells.show(second, second)
    assert second.selection == ""


def test_nothing_is_closed_outside_a_notebook(shell, cells):
    first, second = view(), view()
    cells.show(first, first)
    cells.show(second, second)
    assert first.comm is not None


def test_no_widget_is_kept_alive(shell, cells):
    shell.run = Run("a", "1")
    box = ipywidgets.VBox()
    shown = view()
    cells.show(box, shown)
    gone = weakref.ref(box)
    box.close()
    del box
    gc.collect()
    assert gone() is None
