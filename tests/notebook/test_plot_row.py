from dataclasses import replace

import pytest
from plotly import graph_objects
from stand_in import SIZES, tagger_report

from shapewidget.graph.costs import Measurement, Memory
from shapewidget.notebook.plot_row import PlotRow, obstacle

FAILED = Measurement(SIZES, "cpu", None, None, None, "The model raised RuntimeError: mat1 and mat2.")
RUN = Measurement(SIZES, "cpu", None, None, Memory(1, 1, 1, 1, 1, "counted"))
TOO_LARGE = replace(FAILED, fits=False)


def is_shown(widget):
    return widget.layout.display != "none"


def test_obstacle_names_what_is_to_be_mended_first():
    assert obstacle([FAILED], tagger_report()) == (
        "There is no memory or time to plot, as the model does not run."
        " Mend this first: head: layer expects another width (In [3], line 5)."
    )


def test_obstacle_without_a_finding_is_the_error_itself():
    words = obstacle([FAILED], replace(tagger_report(), findings=()))
    assert words == f"There is no memory or time to plot. {FAILED.refusal}"


@pytest.mark.parametrize("points", [[], [RUN], [FAILED, RUN], [TOO_LARGE]])
def test_obstacle_is_none_where_there_is_something_to_plot_or_nothing_was_tried(points):
    assert obstacle(points, tagger_report()) == ""


def test_row_shows_the_sentence_in_place_of_the_plots_and_the_plots_again():
    row = PlotRow()
    row.say("Mend <head> first.")
    assert [is_shown(child) for child in row.children] == [False, False, True]
    assert row.note.value == "<span>Mend &lt;head&gt; first.</span>"
    row.show(graph_objects.Figure(), graph_objects.Figure())
    assert [is_shown(child) for child in row.children] == [True, True, False]
    assert row.memory.figure is not None
