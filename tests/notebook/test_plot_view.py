import importlib
import json
import sys

import numpy
import pytest
from anywidget import AnyWidget
from plotly import graph_objects

from shapewidget import notebook
from shapewidget.notebook import assets
from shapewidget.notebook.contract import PLOT_VIEW_TRAITS

MODULE = "shapewidget.notebook.plot_view"
PLOTLY = b"/* stands for plotly.js */"


@pytest.fixture
def static(tmp_path, monkeypatch):
    """A built front end of two small files."""
    (tmp_path / "plot_view.js").write_text("export default { render() {} };")
    (tmp_path / "plotly.min.js").write_bytes(PLOTLY)
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    return tmp_path


@pytest.fixture
def view(static, monkeypatch):
    """A view on that front end, with what it sends to the browser in `view.sent`."""
    monkeypatch.setattr(notebook, "plot_view", None, raising=False)
    monkeypatch.setitem(sys.modules, MODULE, None)
    del sys.modules[MODULE]
    plot_view = importlib.import_module(MODULE).PlotView()
    plot_view.sent = []
    plot_view.send = lambda content, buffers=None: plot_view.sent.append((content, buffers))
    return plot_view


def ask(view, content):
    """Let a message of the browser arrive."""
    view._handle_custom_msg(content, [])
    ((answer, buffers),) = view.sent
    json.dumps(answer)
    return answer, buffers


def test_synced_traits_are_those_of_the_contract(view):
    own = set(view.trait_names(sync=True)) - set(AnyWidget.class_trait_names(sync=True))
    assert {name for name in own if not name.startswith("_")} == {trait.name for trait in PLOT_VIEW_TRAITS}
    assert {trait.name: getattr(view, trait.name) for trait in PLOT_VIEW_TRAITS} == {
        trait.name: trait.default for trait in PLOT_VIEW_TRAITS
    }


def test_a_figure_is_shown_as_plain_json(view):
    view.show(graph_objects.Figure(graph_objects.Bar(x=[1, 2], y=[3.5, 4]), layout={"template": "none"}))
    assert view.figure["data"] == [{"type": "bar", "x": [1, 2], "y": [3.5, 4]}]
    assert json.loads(json.dumps(view.figure)) == view.figure


def test_arrays_are_plain_json_too(view):
    view.show(graph_objects.Figure(graph_objects.Bar(y=numpy.array([3.5, 4]))))
    assert json.loads(json.dumps(view.figure)) == view.figure


def test_plotly_is_answered_as_the_one_buffer_of_a_message(view):
    answer, buffers = ask(view, {"kind": "plotly", "id": 7})
    assert answer == {"kind": "plotly", "id": 7, "ok": True, "problem": ""}
    assert buffers == [PLOTLY]


def test_plotly_is_in_no_trait(view):
    view.show(graph_objects.Figure())
    assert PLOTLY.decode() not in json.dumps(view.get_state(), default=str)


@pytest.mark.parametrize("content", [{"kind": "table", "id": 3}, {"id": 3}, "plotly", None])
def test_an_unknown_request_is_answered_with_a_problem(view, content):
    answer, buffers = ask(view, content)
    assert answer["ok"] is False
    assert "only 'plotly'" in answer["problem"]
    assert answer["id"] == (3 if isinstance(content, dict) else -1)
    assert buffers == []


def test_a_missing_plotly_is_a_problem_that_names_the_build(view, static):
    (static / "plotly.min.js").unlink()
    answer, buffers = ask(view, {"kind": "plotly", "id": 1})
    assert answer["ok"] is False
    assert "npm run build" in answer["problem"]
    assert buffers == []


def test_a_missing_bundle_names_the_file_and_the_build(static):
    with pytest.raises(assets.MissingBundleError, match=r"nothing\.js does not exist.*npm ci && npm run build"):
        assets.bundle("nothing.js")


def test_the_theme_is_one_of_the_contract(view):
    with pytest.raises(Exception, match="theme"):
        view.theme = "pink"
